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
ALTER TABLE "turns" ADD COLUMN "remarks" jsonb;--> statement-breakpoint
ALTER TABLE "budget_alerts" ADD CONSTRAINT "budget_alerts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;