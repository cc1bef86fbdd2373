CREATE TABLE "rests" (
	"what" text PRIMARY KEY NOT NULL,
	"until" timestamp with time zone NOT NULL
);
