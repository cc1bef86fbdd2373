CREATE TABLE "reports" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"user_id" uuid NOT NULL,
	"guild_id" uuid,
	"place" text NOT NULL,
	"platform_message_id" text,
	"turn_id" uuid,
	"words" text NOT NULL,
	"done_at" timestamp with time zone,
	"done_by" text
);
--> statement-breakpoint
ALTER TABLE "reports" ADD CONSTRAINT "reports_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reports" ADD CONSTRAINT "reports_guild_id_guilds_id_fk" FOREIGN KEY ("guild_id") REFERENCES "public"."guilds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reports" ADD CONSTRAINT "reports_turn_id_turns_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turns"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "reports_guild" ON "reports" USING btree ("guild_id","at");--> statement-breakpoint
CREATE INDEX "reports_user" ON "reports" USING btree ("user_id","at");--> statement-breakpoint
CREATE INDEX "reports_turn" ON "reports" USING btree ("turn_id");--> statement-breakpoint
CREATE INDEX "audit_guild_id" ON "audit" USING btree ("guild","id");