-- For people and dashboards: what was used by day, and how models did.
CREATE VIEW usage_analytics AS
SELECT date_trunc('day', h.hour, 'UTC') AS day, g.platform_guild_id, g.name AS guild_name, u.platform_user_id, h.provider, h.model,
  h.payer, sum(h.requests)::bigint AS requests, sum(h.answered)::bigint AS answered, sum(h.failed)::bigint AS failed,
  sum(h.prompt_tokens)::bigint AS prompt_tokens, sum(h.completion_tokens)::bigint AS completion_tokens,
  sum(h.cached_tokens)::bigint AS cached_tokens, sum(h.reasoning_tokens)::bigint AS reasoning_tokens,
  sum(h.cost_nano_usd)::bigint AS cost_nano_usd, sum(h.cost_nano_usd) / 1e9 AS cost_usd
FROM usage_hourly h
LEFT JOIN guilds g ON g.id = h.guild_id
LEFT JOIN users u ON u.id = h.user_id
GROUP BY 1, g.platform_guild_id, g.name, u.platform_user_id, h.provider, h.model, h.payer;
--> statement-breakpoint
CREATE VIEW model_performance_summary AS
SELECT h.model, h.provider, sum(h.attempts)::bigint AS attempts, sum(h.attempt_failures)::bigint AS failures,
  round(sum(h.attempt_failures)::numeric / nullif(sum(h.attempts), 0), 4) AS failure_rate,
  round(sum(h.first_token_ms_sum)::numeric / nullif(sum(h.first_token_count), 0)) AS mean_first_token_ms,
  sum(h.prompt_tokens)::bigint AS prompt_tokens, sum(h.completion_tokens)::bigint AS completion_tokens,
  sum(h.cost_nano_usd) / 1e9 AS cost_usd, max(h.hour) AS last_used_hour
FROM usage_hourly h
WHERE h.model <> ''
GROUP BY h.model, h.provider;
