import type { ServerResponse } from 'node:http';
import type { KeyState } from './accounts.ts';
import { fitPrompt, refusalContext, refuseByFreeLimits, refuseByMoney } from './admission.ts';
import { composeAnswer } from './answer.ts';
import { canonicalSlugOf, providerOf } from './catalogue.ts';
import type { Completion, Settle } from './completion.ts';
import { isRefusal, type Refusal } from './errors.ts';
import { pause, sendRefusal } from './http.ts';
import { orderedRefusal, playConnection, playHttp, playRaw } from './interruptions.ts';
import { nothingCached, type CacheUse } from './prompt-cache.ts';
import { parseFiles } from './prompt.ts';
import { route } from './routing.ts';
import { prepareScenario, type AnswerScenario, type PreparedScenario } from './scenario.ts';
import type { SimulatedCall, SimulatorState } from './state.ts';
import { streamCompletion } from './stream.ts';
import { validateChatRequest, type ChatRequest } from './validation.ts';
import { citedPages, countWebSearches, searchedTokens } from './web-search.ts';
import { sendWholeAnswer } from './whole-answer.ts';

/** One request and the means to answer it. `signal` fires when the client leaves, also because the simulator stops. */
export interface Exchange {
  state: SimulatorState;
  key: KeyState;
  call: SimulatedCall;
  response: ServerResponse;
  signal: AbortSignal;
}

/** Answers `POST /chat/completions`: tries the models in order and sends the first answer, or the last refusal. */
export async function answerChat(exchange: Exchange): Promise<void> {
  const checked = validateChatRequest(exchange.call.body);
  if (!checked.ok) return sendRefusal(exchange.response, checked.refusal);
  const { request } = checked;
  const ids = [...new Set([request.model, ...(request.models ?? [])])].filter((id) => id !== undefined);
  const candidates = ids.length === 0 ? ['openrouter/auto'] : ids;
  let outcome: Outcome | undefined;
  for (const id of candidates) {
    outcome = attempt(exchange, request, id);
    if (outcome.kind !== 'refused') break;
  }
  if (outcome !== undefined) await perform(exchange, outcome);
}

type Outcome =
  | { kind: 'refused'; refusal: Refusal; afterMs: number }
  | { kind: 'answered'; completion: Completion }
  | { kind: 'interrupted'; scenario: Extract<PreparedScenario, { kind: 'http' | 'connection' | 'raw' }> };

function attempt({ state, key, call }: Exchange, request: ChatRequest, id: string): Outcome {
  const refused = (refusal: Refusal, afterMs = 0): Outcome => ({ kind: 'refused', refusal, afterMs });
  const chosen = route(state.models, id, request, state.random);
  if (isRefusal(chosen)) return refused(chosen);
  call.model = chosen.model.id;
  const promptTokens = fitPrompt(chosen.model, request, state.defaultPlugins);
  if (typeof promptTokens !== 'number') return refused(promptTokens);
  const context = refusalContext(state, chosen, request);
  const broke = refuseByMoney(state, key, chosen, promptTokens, context);
  if (broke !== undefined) return refused(broke);
  const limited = refuseByFreeLimits(key, chosen, context);
  if (limited !== undefined) return refused(limited);
  const scenario = state.scenarios.take([id, chosen.model.id]) ?? prepareScenario(state.script(call));
  if (scenario.kind === 'refusal') return refused(orderedRefusal(scenario, context), scenario.afterMs);
  if (scenario.kind !== 'answer') return { kind: 'interrupted', scenario };
  const { model, router } = chosen;
  const cached = playCache(state, { key, call, request, model, promptTokens }, scenario);
  if (isRefusal(cached)) return refused(cached);
  const createdMs = state.now();
  const webSearches = countWebSearches(request, id, state.defaultPlugins, scenario);
  const completion: Completion = {
    id: newGenerationId(createdMs, state.random),
    created: Math.floor(createdMs / 1000),
    request,
    model,
    router,
    provider: scenario.provider ?? providerOf(model),
    reportedModel: scenario.reportedModel ?? canonicalSlugOf(model),
    scenario,
    answer: composeAnswer(scenario, request, model),
    promptTokens: promptTokens + searchedTokens(request, webSearches, promptTokens),
    ...cached,
    webSearches,
    ...annotated(scenario.annotations ?? citedPages(request, webSearches), parseFiles(request, model)),
    pace: {
      firstTokenMs: scenario.firstTokenMs ?? state.pace.firstTokenMs,
      tokensPerSecond: scenario.tokensPerSecond ?? state.pace.tokensPerSecond,
    },
  };
  return { kind: 'answered', completion };
}

function annotated(
  annotations: readonly object[],
  parsed: ReturnType<typeof parseFiles>,
): ReturnType<typeof parseFiles> {
  return { ...parsed, annotations: [...parsed.annotations, ...annotations] };
}

async function perform(exchange: Exchange, outcome: Outcome): Promise<void> {
  const { response, signal } = exchange;
  switch (outcome.kind) {
    case 'refused':
      if (outcome.afterMs > 0 && !(await pause(outcome.afterMs, signal))) return;
      return sendRefusal(response, outcome.refusal);
    case 'interrupted':
      return playInterruption(response, outcome.scenario, signal);
    case 'answered':
      return playCompletion(exchange, outcome.completion);
  }
}

function playInterruption(
  response: ServerResponse,
  scenario: Extract<Outcome, { kind: 'interrupted' }>['scenario'],
  signal: AbortSignal,
): Promise<void> {
  if (scenario.kind === 'http') return playHttp(response, scenario, signal);
  return scenario.kind === 'raw'
    ? playRaw(response, scenario, signal)
    : playConnection(response, scenario, signal);
}

async function playCompletion(exchange: Exchange, completion: Completion): Promise<void> {
  const { state, key, call, response, signal } = exchange;
  const { scenario, request } = completion;
  call.generationId = completion.id;
  const settle: Settle = (progress) => {
    const facts = {
      sessionId: sessionOf(request, call),
      referer: headerOf(call, 'http-referer'),
      userAgent: headerOf(call, 'user-agent'),
      startedAtMs: call.atMs,
    };
    const { bill, usage } = state.generations.record(completion, progress, facts);
    state.accounts.charge(key, bill.totalNanoUsd);
    call.usage = usage;
    return usage;
  };
  if (scenario.headersAfterMs !== undefined) await pause(scenario.headersAfterMs, signal);
  const play = request.stream === true && scenario.as !== 'json' ? streamCompletion : sendWholeAnswer;
  await play(response, completion, settle, signal);
}

function sessionOf(request: ChatRequest, call: SimulatedCall): string | null {
  return request.session_id ?? headerOf(call, 'x-session-id');
}

interface CacheableRequest extends Pick<Exchange, 'key' | 'call'>, Pick<Completion, 'request' | 'model'> {
  promptTokens: number;
}

/** What of the prompt was cached and is now; a scenario may say so instead. */
function playCache(
  { promptCache }: SimulatorState,
  { key, call, request, model, promptTokens }: CacheableRequest,
  { cachedTokens }: AnswerScenario,
): CacheUse | Refusal {
  if (cachedTokens !== undefined) {
    return { cachedTokens: Math.min(cachedTokens, promptTokens), cacheWriteTokens: 0 };
  }
  const owner = [key.account.id, sessionOf(request, call), providerOf(model), model.id];
  const use = promptCache.use(JSON.stringify(owner), model, request);
  // A prompt that was compressed is not the one that could be cached.
  return isRefusal(use) || use.cachedTokens + use.cacheWriteTokens <= promptTokens ? use : nothingCached;
}

function headerOf({ headers }: SimulatedCall, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** `gen-<unix seconds>-<20 letters or digits>`. */
function newGenerationId(nowMs: number, random: () => number): string {
  const letters = Array.from(
    { length: 20 },
    () => alphanumeric[Math.floor(random() * alphanumeric.length)] ?? 'A',
  );
  return `gen-${Math.floor(nowMs / 1000)}-${letters.join('')}`;
}
