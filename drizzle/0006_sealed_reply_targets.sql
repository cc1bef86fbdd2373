ALTER TABLE "conversations" DROP CONSTRAINT "conversations_style";--> statement-breakpoint
CREATE INDEX "turns_sealed" ON "turns" USING btree ("admitted_at") WHERE "turns"."reply_target" ? 'sealed';--> statement-breakpoint
ALTER TABLE "conversations" ADD CONSTRAINT "conversations_style" CHECK ("conversations"."style" in ('private', 'chain', 'thread', 'channel'));