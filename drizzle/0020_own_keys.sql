CREATE TABLE "key_requests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"asked_by" uuid NOT NULL,
	"guild_id" uuid,
	"sealed" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	CONSTRAINT "key_requests_kind" CHECK ("key_requests"."kind" in ('sign_in', 'message'))
);
--> statement-breakpoint
CREATE TABLE "provider_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"scope" text NOT NULL,
	"user_id" uuid,
	"guild_id" uuid,
	"provider" text NOT NULL,
	"sealed" text NOT NULL,
	"last4" text NOT NULL,
	"fingerprint" text NOT NULL,
	"state" text DEFAULT 'valid' NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"given_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"checked_at" timestamp with time zone DEFAULT now() NOT NULL,
	"used_at" timestamp with time zone,
	"unreadable_since" timestamp with time zone,
	CONSTRAINT "provider_keys_state" CHECK ("provider_keys"."state" in ('valid', 'invalid')),
	CONSTRAINT "provider_keys_subject" CHECK (("provider_keys"."scope" = 'user' and "provider_keys"."user_id" is not null and "provider_keys"."guild_id" is null) or ("provider_keys"."scope" = 'guild' and "provider_keys"."guild_id" is not null and "provider_keys"."user_id" is null))
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "payer" text DEFAULT 'operator' NOT NULL;--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "guild" text;--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "details" jsonb;--> statement-breakpoint
ALTER TABLE "quota_holds" ADD COLUMN "payer" text DEFAULT 'operator' NOT NULL;--> statement-breakpoint
ALTER TABLE "key_requests" ADD CONSTRAINT "key_requests_asked_by_users_id_fk" FOREIGN KEY ("asked_by") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_requests" ADD CONSTRAINT "key_requests_guild_id_guilds_id_fk" FOREIGN KEY ("guild_id") REFERENCES "public"."guilds"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_keys" ADD CONSTRAINT "provider_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_keys" ADD CONSTRAINT "provider_keys_guild_id_guilds_id_fk" FOREIGN KEY ("guild_id") REFERENCES "public"."guilds"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "key_requests_asked_by" ON "key_requests" USING btree ("asked_by","kind","created_at");--> statement-breakpoint
CREATE INDEX "key_requests_expires" ON "key_requests" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "provider_keys_user" ON "provider_keys" USING btree ("user_id","provider") WHERE "provider_keys"."user_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "provider_keys_guild" ON "provider_keys" USING btree ("guild_id","provider") WHERE "provider_keys"."guild_id" is not null;--> statement-breakpoint
CREATE INDEX "audit_guild_at" ON "audit" USING btree ("guild","at");