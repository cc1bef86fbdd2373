CREATE TABLE "attempts" (
	"turn_id" uuid NOT NULL,
	"epoch" integer NOT NULL,
	"index" integer NOT NULL,
	"provider" text,
	"model_asked" text NOT NULL,
	"model_used" text,
	"generation_id" text,
	"outcome" text,
	"failure" text,
	"http_status" integer,
	"is_free" boolean,
	"started_at" timestamp with time zone NOT NULL,
	"first_token_ms" integer,
	"duration_ms" integer,
	"usage" jsonb,
	CONSTRAINT "attempts_turn_id_epoch_index_pk" PRIMARY KEY("turn_id","epoch","index")
);
--> statement-breakpoint
CREATE TABLE "conversations" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"place" text NOT NULL,
	"place_key" text NOT NULL,
	"guild_id" uuid,
	"user_id" uuid,
	"style" text NOT NULL,
	"title" text,
	"head_message_id" uuid,
	"active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "conversations_style" CHECK ("conversations"."style" in ('private', 'chain', 'channel'))
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" uuid PRIMARY KEY NOT NULL,
	"conversation_id" uuid NOT NULL,
	"parent_id" uuid,
	"role" text NOT NULL,
	"user_id" uuid,
	"turn_id" uuid,
	"platform_message_id" text,
	"text" text NOT NULL,
	"est_tokens" integer NOT NULL,
	"model" text,
	"partial" boolean DEFAULT false NOT NULL,
	"deleted_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "messages_role" CHECK ("messages"."role" in ('user', 'assistant'))
);
--> statement-breakpoint
CREATE TABLE "reply_parts" (
	"turn_id" uuid NOT NULL,
	"index" integer NOT NULL,
	"place" text NOT NULL,
	"platform_message_id" text,
	"intended_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp with time zone,
	CONSTRAINT "reply_parts_turn_id_index_pk" PRIMARY KEY("turn_id","index")
);
--> statement-breakpoint
CREATE TABLE "turns" (
	"id" uuid PRIMARY KEY NOT NULL,
	"origin_key" text NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "turns_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"cause" text NOT NULL,
	"platform" text NOT NULL,
	"place" text NOT NULL,
	"state" text NOT NULL,
	"conversation_id" uuid,
	"user_id" uuid,
	"guild_id" uuid,
	"reply_target" jsonb NOT NULL,
	"settings" jsonb NOT NULL,
	"reported_locale" text,
	"payer" text DEFAULT 'operator' NOT NULL,
	"question_message_id" uuid,
	"answer_message_id" uuid,
	"parent_message_id" uuid,
	"parent_turn_id" uuid,
	"max_completion_tokens" integer NOT NULL,
	"cost_defaults" jsonb,
	"epoch" integer DEFAULT 0 NOT NULL,
	"lease_owner" text,
	"lease_until" timestamp with time zone,
	"cancel_requested_at" timestamp with time zone,
	"refusal" jsonb,
	"notice" jsonb,
	"admitted_at" timestamp with time zone NOT NULL,
	"charged_at" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone,
	"generated_at" timestamp with time zone,
	"delivered_at" timestamp with time zone,
	"unreachable" text,
	CONSTRAINT "turns_origin_key_unique" UNIQUE("origin_key"),
	CONSTRAINT "turns_state" CHECK ("turns"."state" in ('queued', 'running', 'generated', 'delivered', 'refused', 'failed', 'cancelled', 'interrupted', 'merged', 'superseded'))
);
--> statement-breakpoint
CREATE TABLE "audit" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"before" jsonb,
	"after" jsonb
);
--> statement-breakpoint
CREATE TABLE "blocks" (
	"subject_kind" text NOT NULL,
	"subject" text NOT NULL,
	"within_guild" text DEFAULT '' NOT NULL,
	"reason" text,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "blocks_subject_kind_subject_within_guild_pk" PRIMARY KEY("subject_kind","subject","within_guild"),
	CONSTRAINT "blocks_subject_kind" CHECK ("blocks"."subject_kind" in ('user', 'guild'))
);
--> statement-breakpoint
CREATE TABLE "catalogue_meta" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"fetched_at" timestamp with time zone NOT NULL,
	CONSTRAINT "catalogue_meta_single" CHECK ("catalogue_meta"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "command_outcomes" (
	"origin_key" text PRIMARY KEY NOT NULL,
	"outcome" jsonb NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "control_flags" (
	"scope" text NOT NULL,
	"subject" text DEFAULT '' NOT NULL,
	"reason" text,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "control_flags_scope_subject_pk" PRIMARY KEY("scope","subject"),
	CONSTRAINT "control_flags_scope" CHECK ("control_flags"."scope" in ('all', 'guild', 'model'))
);
--> statement-breakpoint
CREATE TABLE "errors" (
	"id" text PRIMARY KEY NOT NULL,
	"area" text NOT NULL,
	"message" text NOT NULL,
	"origin_key" text,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "models" (
	"id" text PRIMARY KEY NOT NULL,
	"position" integer NOT NULL,
	"entry" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"scope" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"key" text NOT NULL,
	"value" jsonb NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_by" text,
	CONSTRAINT "settings_scope_subject_id_key_pk" PRIMARY KEY("scope","subject_id","key"),
	CONSTRAINT "settings_scope" CHECK ("settings"."scope" in ('guild', 'user', 'instance'))
);
--> statement-breakpoint
CREATE TABLE "guilds" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"platform_guild_id" text NOT NULL,
	"name" text NOT NULL,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"approved_at" timestamp with time zone,
	"access_asked_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "guilds_platform_guild_id_unique" UNIQUE("platform_guild_id")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"platform_user_id" text NOT NULL,
	"name" text NOT NULL,
	"reported_locale" text,
	"approved_at" timestamp with time zone,
	"access_asked_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_platform_user_id_unique" UNIQUE("platform_user_id")
);
--> statement-breakpoint
CREATE TABLE "quota_holds" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "quota_holds_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"turn_id" uuid,
	"epoch" integer NOT NULL,
	"attempt" smallint NOT NULL,
	"kind" smallint NOT NULL,
	"subject_id" uuid NOT NULL,
	"requests" integer DEFAULT 0 NOT NULL,
	"tokens" integer DEFAULT 0 NOT NULL,
	"images" integer DEFAULT 0 NOT NULL,
	"nano_usd" bigint DEFAULT 0 NOT NULL,
	"reserved_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "quota_holds_amounts" CHECK (least("quota_holds"."requests", "quota_holds"."tokens", "quota_holds"."images", "quota_holds"."nano_usd") >= 0)
);
--> statement-breakpoint
CREATE TABLE "quota_subjects" (
	"kind" smallint NOT NULL,
	"subject_id" uuid NOT NULL,
	"limits" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"hour_start" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	"day_start" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	"month_start" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	"requests_hour" bigint DEFAULT 0 NOT NULL,
	"requests_day" bigint DEFAULT 0 NOT NULL,
	"requests_month" bigint DEFAULT 0 NOT NULL,
	"tokens_hour" bigint DEFAULT 0 NOT NULL,
	"tokens_day" bigint DEFAULT 0 NOT NULL,
	"tokens_month" bigint DEFAULT 0 NOT NULL,
	"cost_hour" bigint DEFAULT 0 NOT NULL,
	"cost_day" bigint DEFAULT 0 NOT NULL,
	"cost_month" bigint DEFAULT 0 NOT NULL,
	"images_hour" bigint DEFAULT 0 NOT NULL,
	"images_day" bigint DEFAULT 0 NOT NULL,
	"images_month" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "quota_subjects_kind_subject_id_pk" PRIMARY KEY("kind","subject_id")
);
--> statement-breakpoint
CREATE TABLE "usage" (
	"at" timestamp with time zone NOT NULL,
	"id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"kind" text DEFAULT 'completion' NOT NULL,
	"turn_id" uuid NOT NULL,
	"epoch" integer NOT NULL,
	"attempt" integer NOT NULL,
	"guild_id" uuid,
	"user_id" uuid,
	"payer" text NOT NULL,
	"provider" text NOT NULL,
	"model_asked" text NOT NULL,
	"model_used" text,
	"requests" integer NOT NULL,
	"prompt_tokens" integer NOT NULL,
	"completion_tokens" integer NOT NULL,
	"cached_tokens" integer NOT NULL,
	"reasoning_tokens" integer NOT NULL,
	"images" integer DEFAULT 0 NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	"is_free" boolean NOT NULL,
	"source" text NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "usage_at_id_pk" PRIMARY KEY("at","id"),
	CONSTRAINT "usage_kind" CHECK ("usage"."kind" in ('completion', 'adjustment')),
	CONSTRAINT "usage_cost" CHECK ("usage"."kind" = 'adjustment' or "usage"."cost_nano_usd" >= 0)
) PARTITION BY RANGE ("at");
--> statement-breakpoint
CREATE TABLE "usage_hourly" (
	"hour" timestamp with time zone NOT NULL,
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
	CONSTRAINT "usage_hourly_key" UNIQUE NULLS NOT DISTINCT("hour","guild_id","user_id","model","provider","payer")
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_turn_id_turns_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversations" ADD CONSTRAINT "conversations_guild_id_guilds_id_fk" FOREIGN KEY ("guild_id") REFERENCES "public"."guilds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversations" ADD CONSTRAINT "conversations_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reply_parts" ADD CONSTRAINT "reply_parts_turn_id_turns_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turns" ADD CONSTRAINT "turns_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turns" ADD CONSTRAINT "turns_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turns" ADD CONSTRAINT "turns_guild_id_guilds_id_fk" FOREIGN KEY ("guild_id") REFERENCES "public"."guilds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "quota_holds" ADD CONSTRAINT "quota_holds_turn_id_turns_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turns"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "conversations_active_place_key" ON "conversations" USING btree ("place_key") WHERE "conversations"."active";--> statement-breakpoint
CREATE INDEX "conversations_user" ON "conversations" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "messages_platform_message" ON "messages" USING btree ("platform_message_id");--> statement-breakpoint
CREATE INDEX "messages_conversation" ON "messages" USING btree ("conversation_id");--> statement-breakpoint
CREATE INDEX "messages_user" ON "messages" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "reply_parts_platform_message" ON "reply_parts" USING btree ("place","platform_message_id");--> statement-breakpoint
CREATE UNIQUE INDEX "turns_one_running" ON "turns" USING btree ("conversation_id") WHERE "turns"."state" = 'running';--> statement-breakpoint
CREATE INDEX "turns_unfinished" ON "turns" USING btree ("conversation_id","seq") WHERE "turns"."state" in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "turns_active_in_place" ON "turns" USING btree ("place","seq") WHERE "turns"."state" in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "turns_open_leases" ON "turns" USING btree ("lease_until") WHERE "turns"."delivered_at" is null;--> statement-breakpoint
CREATE INDEX "turns_conversation" ON "turns" USING btree ("conversation_id");--> statement-breakpoint
CREATE INDEX "turns_user" ON "turns" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "audit_at" ON "audit" USING btree ("at");--> statement-breakpoint
CREATE INDEX "command_outcomes_at" ON "command_outcomes" USING btree ("at");--> statement-breakpoint
CREATE INDEX "errors_at" ON "errors" USING btree ("at");--> statement-breakpoint
CREATE UNIQUE INDEX "quota_holds_once" ON "quota_holds" USING btree ("turn_id","epoch","attempt","kind","subject_id");--> statement-breakpoint
CREATE INDEX "quota_holds_subject" ON "quota_holds" USING btree ("kind","subject_id");--> statement-breakpoint
CREATE UNIQUE INDEX "usage_one_per_attempt" ON "usage" USING btree ("turn_id","epoch","attempt","at") WHERE "usage"."kind" = 'completion';--> statement-breakpoint
CREATE INDEX "usage_guild_at" ON "usage" USING btree ("guild_id","at");--> statement-breakpoint
CREATE INDEX "usage_user_at" ON "usage" USING btree ("user_id","at");--> statement-breakpoint
CREATE INDEX "usage_hourly_guild" ON "usage_hourly" USING btree ("guild_id","hour");--> statement-breakpoint
CREATE INDEX "usage_hourly_user" ON "usage_hourly" USING btree ("user_id","hour");