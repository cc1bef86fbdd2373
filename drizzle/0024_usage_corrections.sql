CREATE TABLE "conversation_usage" (
	"user_id" uuid NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"conversation_id" uuid NOT NULL,
	"requests" bigint DEFAULT 0 NOT NULL,
	"prompt_tokens" bigint DEFAULT 0 NOT NULL,
	"completion_tokens" bigint DEFAULT 0 NOT NULL,
	"cached_tokens" bigint DEFAULT 0 NOT NULL,
	"cache_write_tokens" bigint DEFAULT 0 NOT NULL,
	"reasoning_tokens" bigint DEFAULT 0 NOT NULL,
	"cost_nano_usd" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "conversation_usage_user_id_hour_conversation_id_pk" PRIMARY KEY("user_id","hour","conversation_id")
);
--> statement-breakpoint
CREATE TABLE "corrections" (
	"turn_id" uuid NOT NULL,
	"epoch" integer NOT NULL,
	"attempt" integer NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"since" timestamp with time zone NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"ask_at" timestamp with time zone NOT NULL,
	CONSTRAINT "corrections_turn_id_epoch_attempt_pk" PRIMARY KEY("turn_id","epoch","attempt")
);
--> statement-breakpoint
CREATE TABLE "usage_daily" (
	"day" timestamp with time zone NOT NULL,
	"guild_id" uuid,
	"user_id" uuid,
	"model" text NOT NULL,
	"provider" text NOT NULL,
	"payer" text NOT NULL,
	"requests" bigint DEFAULT 0 NOT NULL,
	"answered" bigint DEFAULT 0 NOT NULL,
	"failed" bigint DEFAULT 0 NOT NULL,
	"attempts" bigint DEFAULT 0 NOT NULL,
	"attempt_failures" bigint DEFAULT 0 NOT NULL,
	"prompt_tokens" bigint DEFAULT 0 NOT NULL,
	"completion_tokens" bigint DEFAULT 0 NOT NULL,
	"cached_tokens" bigint DEFAULT 0 NOT NULL,
	"reasoning_tokens" bigint DEFAULT 0 NOT NULL,
	"images" bigint DEFAULT 0 NOT NULL,
	"cost_nano_usd" bigint DEFAULT 0 NOT NULL,
	"first_token_ms_sum" bigint DEFAULT 0 NOT NULL,
	"first_token_count" bigint DEFAULT 0 NOT NULL,
	"cache_write_tokens" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "usage_daily_key" UNIQUE NULLS NOT DISTINCT("day","guild_id","user_id","model","provider","payer")
);
--> statement-breakpoint
ALTER TABLE "conversation_usage" ADD CONSTRAINT "conversation_usage_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversation_usage" ADD CONSTRAINT "conversation_usage_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "conversation_usage_conversation" ON "conversation_usage" USING btree ("conversation_id");--> statement-breakpoint
CREATE INDEX "corrections_ask_at" ON "corrections" USING btree ("ask_at");--> statement-breakpoint
CREATE INDEX "usage_daily_guild" ON "usage_daily" USING btree ("guild_id","day");--> statement-breakpoint
CREATE INDEX "usage_daily_user" ON "usage_daily" USING btree ("user_id","day");--> statement-breakpoint
CREATE UNIQUE INDEX "usage_one_correction" ON "usage" USING btree ("turn_id","epoch","attempt","at") WHERE "usage"."kind" = 'adjustment';