import type { KeyState } from './accounts.ts';
import { billFor, parseDecimal, toNanoUsd, type NanoUsd } from './billing.ts';
import { contextLengthOf, providerOf, type SimulatedModel } from './catalogue.ts';
import { contextTooLong } from './endpoint-refusals.ts';
import type { Refusal } from './errors.ts';
import { countPromptTokens, pluginIsOn } from './prompt.ts';
import { outputLimit } from './output-limit.ts';
import { namedRefusal, type RefusalContext } from './refusals.ts';
import type { Route } from './routing.ts';
import type { SimulatorState } from './state.ts';
import { maxTokensOf, type ChatRequest } from './validation.ts';

/** What the service assumes for a request without `max_tokens` to a model without a limit of its own. */
const assumedMaxTokens = 64_000;
/** Endpoints with at most this context compress the prompt by themselves. */
const smallContext = 8192;

/** The size of the prompt, or the refusal of a request that does not fit into the model's context. */
export function fitPrompt(
  model: SimulatedModel,
  request: ChatRequest,
  defaultPlugins: readonly string[],
): number | Refusal {
  const promptTokens = countPromptTokens(request);
  const context = contextLengthOf(model);
  const output = maxTokensOf(request) ?? 0;
  if (context === null || promptTokens + output <= context) return promptTokens;
  const defaults = context <= smallContext ? ['context-compression'] : defaultPlugins;
  if (pluginIsOn(request, 'context-compression', defaults) && output < context) return context - output;
  return contextTooLong(context, promptTokens, output);
}

/** The facts that a refusal's text may name. */
export function refusalContext(
  state: SimulatorState,
  { model }: Route,
  request: ChatRequest,
): RefusalContext {
  return {
    modelId: model.id,
    provider: providerOf(model),
    nowMs: state.now(),
    maxTokens: outputLimit(model, request) ?? assumedMaxTokens,
    affordableTokens: 0,
    freePerDay: state.freeLimits.perDay,
    freePerMinute: state.freeLimits.perMinute,
  };
}

/** 402 or 403 when the account or the key cannot pay the estimate; debts refuse free models too. */
export function refuseByMoney(
  state: SimulatorState,
  key: KeyState,
  { model }: Route,
  promptTokens: number,
  context: RefusalContext,
): Refusal | undefined {
  const balance = state.accounts.balanceNanoUsd(key);
  const estimate = (completionTokens: number): NanoUsd =>
    billFor(model.pricing, { ...nothing, promptTokens, completionTokens }).totalNanoUsd;
  const wanted = estimate(context.maxTokens);
  if (balance < 0n || (balance === 0n && wanted > 0n)) return namedRefusal('no-credits', context);
  if (wanted === 0n) return undefined;
  const keyRemaining = state.accounts.keyRemainingNanoUsd(key) ?? balance;
  if (keyRemaining <= 0n) return namedRefusal('key-limit', context);
  const available = keyRemaining < balance ? keyRemaining : balance;
  if (wanted <= available) return undefined;
  const pricePerToken = toNanoUsd(parseDecimal(model.pricing.completion));
  const left = available - estimate(0);
  const affordableTokens = pricePerToken > 0n && left > 0n ? Number(left / pricePerToken) : 0;
  return namedRefusal('cannot-afford', { ...context, affordableTokens });
}

const nothing = { cachedTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, webSearches: 0, ocrPages: 0 };

/** Counts an attempt on a free model; 429 once the account's minute or day is used up. */
export function refuseByFreeLimits(
  key: KeyState,
  { model, router }: Route,
  context: RefusalContext,
): Refusal | undefined {
  if (!model.id.endsWith(':free') && router !== 'openrouter/free') return undefined;
  const verdict = key.account.freePool.attempt();
  if (verdict === 'allowed') return undefined;
  const refusal = namedRefusal(verdict, context);
  return { ...refusal, headers: { ...refusal.headers, ...rateLimitHeaders(refusal) } };
}

/** The `X-RateLimit-*` values that a refusal carries in its metadata. */
export function rateLimitHeaders({ body }: Refusal): Record<string, string> {
  if (typeof body === 'string') return {};
  const headers = body.error.metadata?.['headers'];
  return typeof headers === 'object' && headers !== null
    ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
    : {};
}
