import { z } from 'zod';
import { refusalNames } from './refusals.ts';

const milliseconds = z.number().min(0).max(3_600_000);
const count = z.int().min(0);
/** The fault strikes once this many tokens were sent; absent, after the last one and before the finish reason. */
const afterTokens = count.optional();

const fault = z.discriminatedUnion('kind', [
  /** An `error` inside the answer. A stream plays it as an event, a whole answer as `choices[0].error`. `afterTokens: 0` is an error as first event. */
  z.strictObject({
    kind: z.literal('error'),
    afterTokens,
    code: z.union([z.int(), z.string()]).default(502),
    message: z.string().default('Provider disconnected unexpectedly'),
    errorType: z.string().default('provider_unavailable'),
    providerCode: z.string().optional(),
    availability: z.record(z.string(), z.unknown()).optional(),
    /** `empty` sends `choices: []` instead of a choice with `finish_reason: "error"`. */
    choices: z.enum(['finish', 'empty']).default('finish'),
    /** Whether `[DONE]` follows the error. */
    done: z.boolean().default(false),
  }),
  /** The answer breaks off: `end` closes the stream properly but too early, `reset` resets the socket. */
  z.strictObject({ kind: z.literal('cut'), afterTokens, how: z.enum(['end', 'reset']).default('end') }),
  /** Nothing more comes, except keep-alive comments when `commentEveryMs` is given, until the client leaves. */
  z.strictObject({ kind: z.literal('stall'), afterTokens, commentEveryMs: milliseconds.optional() }),
  /** A `data:` line that is no JSON; the stream goes on after it. */
  z.strictObject({
    kind: z.literal('malformed'),
    afterTokens,
    line: z.string().default('{"id":"gen-broken","choices":[{"index":0,"delta":{"con'),
  }),
]);

const framing = z.strictObject({
  /** Cut the byte stream into packets of this size, inside lines and inside UTF-8 sequences. */
  splitBytes: z.int().min(1).optional(),
  /** Put this many events into one packet. */
  eventsPerPacket: z.int().min(1).optional(),
  crlf: z.boolean().optional(),
  /** Write `data:{…}` without the blank. */
  noBlankAfterData: z.boolean().optional(),
  byteOrderMark: z.boolean().optional(),
});

export const answerScenario = z.strictObject({
  kind: z.literal('answer'),
  /** Absent (and no `pieces`): the demo answer to the last user message. `""` with no reasoning is an empty answer. */
  text: z.string().optional(),
  reasoning: z.string().optional(),
  /** Exact deltas in order, each after its own delay; replaces `text` and `reasoning`. */
  pieces: z
    .array(
      z.strictObject({
        text: z.string().optional(),
        reasoning: z.string().optional(),
        delayMs: milliseconds.optional(),
      }),
    )
    .optional(),
  /** Function calls; `arguments` is the JSON text. `indexless` leaves out the `index` of every streamed fragment. */
  toolCalls: z
    .array(z.strictObject({ name: z.string(), arguments: z.string(), id: z.string().optional() }))
    .optional(),
  indexless: z.boolean().optional(),
  /** How often the model searches the web, where it may; once unless told, and never more often than the request allows. */
  webSearches: count.optional(),
  /** What the answer cites; absent, two pages of a search. */
  annotations: z.array(z.record(z.string(), z.unknown())).optional(),
  /** Goes on for this many tokens whatever `max_tokens` says, repeating `text`. */
  runawayTokens: count.optional(),
  finishReason: z.enum(['stop', 'length', 'tool_calls', 'content_filter', 'error']).nullable().optional(),
  nativeFinishReason: z.string().nullable().optional(),
  /** What `model` reports; absent, the dated permaslug of the model. */
  reportedModel: z.string().optional(),
  provider: z.string().optional(),
  /** The cost to report and to bill, whatever the prices say; a decimal string is exact. */
  costUsd: z
    .string()
    .regex(/^\d+(\.\d+)?$/)
    .optional(),
  /** How many of the prompt tokens were read from the cache, whatever it holds; nothing is written then. */
  cachedTokens: count.optional(),
  headersAfterMs: milliseconds.optional(),
  firstTokenMs: milliseconds.optional(),
  tokensPerSecond: z.number().positive().optional(),
  /** Keep-alive comments to send at once, before the first token. */
  comments: count.optional(),
  /** During silences longer than this a keep-alive comment is sent. Default 1000. */
  commentEveryMs: milliseconds.optional(),
  /** `json` answers a stream request with one JSON body. */
  as: z.literal('json').optional(),
  /** Where `usage` comes: an own last chunk, on the chunk with the finish reason, on both, or nowhere. */
  usage: z.enum(['last', 'finish', 'both', 'none']).optional(),
  /** `false` leaves out `[DONE]`. */
  done: z.boolean().optional(),
  /** The finish reason comes together with the last piece of text. */
  finishWithText: z.boolean().optional(),
  /** Empty deltas to send before each piece. */
  emptyDeltas: count.optional(),
  framing: framing.optional(),
  fault: fault.optional(),
});

/** One answer of HTTP, final whatever fallbacks the request names. */
export const httpScenario = z.strictObject({
  kind: z.literal('http'),
  status: z.int().min(200).max(599),
  headers: z.record(z.string(), z.string()).optional(),
  /** A string is sent as it is (`text/html` unless `headers` say otherwise), anything else as JSON; absent, the body is empty. */
  body: z.unknown().optional(),
  /** Blanks are appended until the body has this size. */
  padToBytes: count.optional(),
  afterMs: milliseconds.optional(),
});

const refusal = z.strictObject({
  kind: z.literal('refusal'),
  name: z.enum(refusalNames),
  /** Sent as `Retry-After`: seconds, or an HTTP date. */
  retryAfter: z.union([z.number(), z.string()]).optional(),
  /** Merged over the metadata that the refusal has by itself, e.g. `raw` as a JSON string or as an object. */
  metadata: z.record(z.string(), z.unknown()).optional(),
  /** For `cannot-afford`. */
  affordableTokens: count.optional(),
  /** Send the error body with status 200. */
  insideOk: z.boolean().optional(),
  /** Also send the `X-RateLimit-*` values of `metadata.headers` as HTTP headers. */
  rateLimitHeaders: z.boolean().optional(),
  afterMs: milliseconds.optional(),
});

/** What happens to the connection before any byte of an answer. */
export const connectionScenario = z.strictObject({
  kind: z.literal('connection'),
  event: z.enum(['reset', 'close', 'stall']),
  afterMs: milliseconds.optional(),
});

/** Bytes exactly as given. */
export const rawScenario = z.strictObject({
  kind: z.literal('raw'),
  status: z.int().min(200).max(599).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  packets: z.array(
    z.strictObject({
      text: z.string().optional(),
      base64: z.base64().optional(),
      delayMs: milliseconds.optional(),
    }),
  ),
  end: z.enum(['end', 'reset', 'stall']).optional(),
});

export const scenarioSchema = z.discriminatedUnion('kind', [
  answerScenario,
  httpScenario,
  refusal,
  connectionScenario,
  rawScenario,
]);

/** One thing that can happen to a chat request. Data only, so that it can be sent over HTTP. */
export type Scenario = z.input<typeof scenarioSchema>;
/** A scenario with its defaults filled in. */
export type PreparedScenario = z.output<typeof scenarioSchema>;
export type AnswerScenario = Extract<PreparedScenario, { kind: 'answer' }>;
export type Fault = z.output<typeof fault>;

/** `model`: only for this id (as requested, or as a router resolved it). `times`: default 1; `Infinity`, which JSON writes as `null`, never ends. */
export interface ScenarioMatch {
  model?: string;
  times?: number;
}

const matchSchema = z.strictObject({
  model: z.string().optional(),
  times: z.union([z.int().min(1), z.literal(Infinity), z.null().transform(() => Infinity)]).optional(),
});

export interface ScenarioQueue<Prepared = PreparedScenario> {
  /** Throws a `ZodError` that names every wrong field; nothing is queued then. */
  add(scenario: unknown, match?: unknown): void;
  /** The oldest scenario for any of these ids, taken from the queue; undefined when none waits. */
  take(modelIds: readonly string[]): Prepared | undefined;
  clear(): void;
}

/** Checks a scenario and fills in its defaults. Throws a `ZodError` that names every wrong field. */
export function prepareScenario(scenario: Scenario): PreparedScenario {
  return scenarioSchema.parse(scenario);
}

export function createScenarioQueue<Prepared>(schema: z.ZodType<Prepared>): ScenarioQueue<Prepared> {
  let entries: { scenario: Prepared; model: string | undefined; left: number }[] = [];
  return {
    add(scenario, match = {}) {
      const { model, times = 1 } = matchSchema.parse(match);
      entries.push({ scenario: schema.parse(scenario), model, left: times });
    },
    take(modelIds) {
      const entry = entries.find(({ model }) => model === undefined || modelIds.includes(model));
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) entries = entries.filter((other) => other !== entry);
      return entry.scenario;
    },
    clear() {
      entries = [];
    },
  };
}
