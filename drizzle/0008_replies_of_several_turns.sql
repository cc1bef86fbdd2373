CREATE TABLE "bookmarks" (
	"key" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "leads" (
	"what" text PRIMARY KEY NOT NULL,
	"owner" text NOT NULL,
	"until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "edits" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "first_question_id" uuid;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "reply_of" uuid;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "selected_answer_id" uuid;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "merged_into" uuid;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "superseded_by" uuid;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "retracted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "postponed_until" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "messages_parent" ON "messages" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "turns_undelivered" ON "turns" USING btree ("conversation_id","seq") WHERE "turns"."delivered_at" is null;--> statement-breakpoint
CREATE INDEX "turns_of_reply" ON "turns" USING btree ("reply_of") WHERE "turns"."reply_of" is not null;--> statement-breakpoint
CREATE INDEX "turns_merged" ON "turns" USING btree ("merged_into") WHERE "turns"."merged_into" is not null;--> statement-breakpoint
CREATE INDEX "turns_recent" ON "turns" USING btree ("platform","admitted_at");--> statement-breakpoint
CREATE INDEX "turns_backlog_refused" ON "turns" USING btree ("place","admitted_at") WHERE "turns"."refusal" ->> 'reason' = 'too_old';