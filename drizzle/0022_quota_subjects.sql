CREATE TABLE "quota_rules" (
	"guild_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"role" text DEFAULT '' NOT NULL,
	"limits" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"temporary" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "quota_rules_guild_id_kind_role_pk" PRIMARY KEY("guild_id","kind","role"),
	CONSTRAINT "quota_rules_kind" CHECK (("quota_rules"."kind" = 'members') = ("quota_rules"."role" = '') and "quota_rules"."kind" in ('role', 'members'))
);
--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "channel" text;--> statement-breakpoint
ALTER TABLE "quota_subjects" ADD COLUMN "own" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "quota_subjects" ADD COLUMN "temporary" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "quota_subjects" ADD COLUMN "own_temporary" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "quota_subjects" ADD COLUMN "guild_id" uuid;--> statement-breakpoint
ALTER TABLE "quota_subjects" ADD COLUMN "user_id" uuid;--> statement-breakpoint
ALTER TABLE "quota_subjects" ADD COLUMN "channel" text;--> statement-breakpoint
ALTER TABLE "quota_subjects" ADD COLUMN "roles" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "usage" ADD COLUMN "cache_write_tokens" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "usage" ADD COLUMN "channel" text;--> statement-breakpoint
ALTER TABLE "usage_hourly" ADD COLUMN "cache_write_tokens" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "quota_rules" ADD CONSTRAINT "quota_rules_guild_id_guilds_id_fk" FOREIGN KEY ("guild_id") REFERENCES "public"."guilds"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "quota_subjects_member" ON "quota_subjects" USING btree ("user_id") WHERE "quota_subjects"."user_id" is not null;