CREATE TABLE "budget_alerts" (
	"kind" smallint NOT NULL,
	"subject_id" uuid NOT NULL,
	"window" text NOT NULL,
	"window_end" timestamp with time zone NOT NULL,
	"threshold" smallint NOT NULL,
	"limit_nano_usd" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"user_id" uuid,
	CONSTRAINT "budget_alerts_once" PRIMARY KEY("kind","subject_id","window","window_end","threshold","limit_nano_usd"),
	CONSTRAINT "budget_alerts_window" CHECK ("budget_alerts"."window" in ('day', 'month')),
	CONSTRAINT "budget_alerts_threshold" CHECK ("budget_alerts"."threshold" in (50, 80, 100))
);
--> statement-breakpoint
CREATE TABLE "savings" (
	"day" timestamp with time zone NOT NULL,
	"guild_id" uuid,
	"user_id" uuid,
	"spared_nano_usd" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "savings_key" UNIQUE NULLS NOT DISTINCT("guild_id","user_id","day")
);
--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "remarks" jsonb;--> statement-breakpoint
ALTER TABLE "budget_alerts" ADD CONSTRAINT "budget_alerts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "savings" ADD CONSTRAINT "savings_guild_id_guilds_id_fk" FOREIGN KEY ("guild_id") REFERENCES "public"."guilds"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "savings" ADD CONSTRAINT "savings_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "savings_user" ON "savings" USING btree ("user_id");