CREATE TABLE "discord_skus" (
	"sku" text PRIMARY KEY NOT NULL,
	"plan" text NOT NULL,
	"scope" text NOT NULL,
	"assigned_by" text NOT NULL,
	"assigned_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "discord_skus_scope" CHECK ("discord_skus"."scope" in ('user', 'guild'))
);
--> statement-breakpoint
CREATE TABLE "payments" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"platform" text NOT NULL,
	"charge_id" text NOT NULL,
	"user_id" uuid,
	"subscription_id" uuid,
	"plan" text,
	"version" integer,
	"amount" bigint NOT NULL,
	"currency" text NOT NULL,
	"state" text NOT NULL,
	"is_renewal" boolean NOT NULL,
	"period_start" timestamp with time zone,
	"period_end" timestamp with time zone,
	"paid_at" timestamp with time zone NOT NULL,
	"refunded_at" timestamp with time zone,
	"outcome" jsonb NOT NULL,
	CONSTRAINT "payments_state" CHECK ("payments"."state" in ('paid', 'refunded', 'unassigned'))
);
--> statement-breakpoint
CREATE TABLE "plan_entitlements" (
	"plan" text NOT NULL,
	"version" integer NOT NULL,
	"feature" text NOT NULL,
	"kind" text NOT NULL,
	"value" jsonb NOT NULL,
	CONSTRAINT "plan_entitlements_plan_version_feature_pk" PRIMARY KEY("plan","version","feature"),
	CONSTRAINT "plan_entitlements_value" CHECK (("plan_entitlements"."kind" = 'boolean' and jsonb_typeof("plan_entitlements"."value") = 'boolean') or ("plan_entitlements"."kind" = 'limit' and jsonb_typeof("plan_entitlements"."value") in ('number', 'null')))
);
--> statement-breakpoint
CREATE TABLE "plans" (
	"code" text NOT NULL,
	"version" integer NOT NULL,
	"is_current" boolean NOT NULL,
	"is_offered" boolean DEFAULT true NOT NULL,
	"name" text NOT NULL,
	"position" smallint NOT NULL,
	"price_usd_cents" integer,
	"telegram_stars" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" text,
	CONSTRAINT "plans_code_version_pk" PRIMARY KEY("code","version"),
	CONSTRAINT "plans_stars" CHECK ("plans"."telegram_stars" between 1 and 10000),
	CONSTRAINT "plans_price" CHECK ("plans"."price_usd_cents" >= 0)
);
--> statement-breakpoint
CREATE TABLE "subscriptions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid,
	"guild_id" uuid,
	"plan" text NOT NULL,
	"version" integer NOT NULL,
	"source" text NOT NULL,
	"status" text NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"period_start" timestamp with time zone NOT NULL,
	"period_end" timestamp with time zone,
	"grace_until" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"external_id" text,
	"payer" text,
	"payload" text,
	"told_at" timestamp with time zone NOT NULL,
	CONSTRAINT "subscriptions_subject" CHECK (("subscriptions"."user_id" is null) <> ("subscriptions"."guild_id" is null)),
	CONSTRAINT "subscriptions_source" CHECK ("subscriptions"."source" in ('grant', 'stars', 'shop')),
	CONSTRAINT "subscriptions_status" CHECK ("subscriptions"."status" in ('active', 'cancelled', 'past_due', 'ended', 'refunded'))
);
--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_subscription_id_subscriptions_id_fk" FOREIGN KEY ("subscription_id") REFERENCES "public"."subscriptions"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "plan_entitlements" ADD CONSTRAINT "plan_entitlements_plan_version_plans_code_version_fk" FOREIGN KEY ("plan","version") REFERENCES "public"."plans"("code","version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_guild_id_guilds_id_fk" FOREIGN KEY ("guild_id") REFERENCES "public"."guilds"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_plan_version_plans_code_version_fk" FOREIGN KEY ("plan","version") REFERENCES "public"."plans"("code","version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "payments_charge" ON "payments" USING btree ("platform","charge_id");--> statement-breakpoint
CREATE INDEX "payments_user" ON "payments" USING btree ("user_id","paid_at");--> statement-breakpoint
CREATE UNIQUE INDEX "plans_current" ON "plans" USING btree ("code") WHERE "plans"."is_current";--> statement-breakpoint
CREATE INDEX "subscriptions_user" ON "subscriptions" USING btree ("user_id","status") WHERE "subscriptions"."user_id" is not null;--> statement-breakpoint
CREATE INDEX "subscriptions_guild" ON "subscriptions" USING btree ("guild_id","status") WHERE "subscriptions"."guild_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "subscriptions_live_user" ON "subscriptions" USING btree ("user_id","source") WHERE "subscriptions"."status" in ('active', 'cancelled', 'past_due') and "subscriptions"."source" <> 'shop';--> statement-breakpoint
CREATE UNIQUE INDEX "subscriptions_live_guild" ON "subscriptions" USING btree ("guild_id","source") WHERE "subscriptions"."status" in ('active', 'cancelled', 'past_due') and "subscriptions"."source" <> 'shop';--> statement-breakpoint
CREATE UNIQUE INDEX "subscriptions_external" ON "subscriptions" USING btree ("source","external_id");