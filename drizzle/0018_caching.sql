DROP INDEX "turns_user";--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "prompt_tokens" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "cached_tokens" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "cache_write_tokens" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "saved_nano_usd" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "messages_before" integer;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "tokens_before" bigint;--> statement-breakpoint
CREATE INDEX "turns_user_newest" ON "turns" USING btree ("user_id","seq");