CREATE TABLE "free_pool_shares" (
	"payer" text NOT NULL,
	"provider" text NOT NULL,
	"subject" text NOT NULL,
	"day" date NOT NULL,
	"used" integer DEFAULT 0 NOT NULL,
	"minute" integer[] DEFAULT array_fill(0, array[61]) NOT NULL,
	"second" bigint DEFAULT 0 NOT NULL,
	"last_at" timestamp with time zone NOT NULL,
	CONSTRAINT "free_pool_shares_payer_provider_subject_pk" PRIMARY KEY("payer","provider","subject")
);
--> statement-breakpoint
CREATE TABLE "free_pools" (
	"payer" text NOT NULL,
	"provider" text NOT NULL,
	"day" date NOT NULL,
	"day_used" integer DEFAULT 0 NOT NULL,
	"background_used" integer DEFAULT 0 NOT NULL,
	"day_limit" integer,
	"day_limit_read_at" timestamp with time zone,
	"minute" integer[] DEFAULT array_fill(0, array[61]) NOT NULL,
	"second" bigint DEFAULT 0 NOT NULL,
	"minute_rest_until" timestamp with time zone,
	"day_rest_until" timestamp with time zone,
	"last_subject" text,
	"last_at" timestamp with time zone,
	"before_at" timestamp with time zone,
	CONSTRAINT "free_pools_payer_provider_pk" PRIMARY KEY("payer","provider")
);
