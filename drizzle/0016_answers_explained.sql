ALTER TABLE "messages" ADD COLUMN "search" jsonb;--> statement-breakpoint
CREATE INDEX "turns_shown_in_place" ON "turns" USING btree ("place","seq") WHERE "turns"."state" not in ('refused', 'merged', 'superseded');--> statement-breakpoint
CREATE INDEX "turns_refused" ON "turns" USING btree ("user_id","place","seq") WHERE "turns"."state" = 'refused';