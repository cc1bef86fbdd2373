import type { SimulatedModel } from '../src/simulator/catalogue.ts';
import type { Scenario } from '../src/simulator/scenario.ts';
import type { SimulatedCall } from '../src/simulator/state.ts';

/** The OpenRouter simulator in another process. */
export interface Upstream {
  /** Leads a bot, and whoever else reads these names, there. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the next `times` requests are answered with. */
  play(answer: PlannedAnswer, times: number): Promise<void>;
  /** When these questions (`Question 17`) came, and when they were answered. Those that never came are left out. */
  exchanges(questions: readonly string[]): Promise<ReadonlyMap<string, Exchange>>;
}

export interface PlannedAnswer {
  readonly tokens: number;
  readonly firstTokenMs: number;
  /** Absent: as fast as they can be written. */
  readonly tokensPerSecond?: number;
}

/** Times in epoch milliseconds of the simulator. */
export interface Exchange {
  readonly requestAtMs: number;
  /** The simulator doesn't log it: the request's arrival and the planned delay, which timers pass by 0-2 ms. */
  readonly firstTokenAtMs: number;
  readonly endAtMs: number;
}

/** An answer is complete when it ends so; no other word of it does. */
export const LAST_WORDS = ' end.';

/** Free by its price and not by its name, so that no allowance of free requests a minute or a day applies. */
const MODEL = 'bench/steady';

const model: SimulatedModel = {
  id: MODEL,
  name: 'Bench: Steady',
  pricing: { prompt: '0', completion: '0' },
  contextLength: 1_000_000,
  maxCompletionTokens: 100_000,
};

const KEY = 'sk-or-v1-simulated';
/** Of at most six letters: each is one token to the simulator. */
const words = 'the quiet river runs past old stone walls and under seven arches to the wide sea'.split(' ');

/** Speaks to the simulator at `url` (`http://HOST:PORT/api/v1`), after making the benchmark's model its only one. */
export async function connectUpstream(url: string): Promise<Upstream> {
  const order = async <Answer>(name: string, body?: object): Promise<Answer> => {
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return await readJson<Answer>(await fetch(new URL(`/__simulator/${name}`, url), sent));
  };
  await order('models', { models: [model] });
  return {
    environment: { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: url, DEFAULT_MODEL: MODEL },
    async play(answer, times) {
      await order('play', { scenario: scenarioOf(answer), match: { times } });
    },
    async exchanges(questions) {
      const calls = await order<readonly SimulatedCall[]>('calls');
      const byQuestion = new Map(calls.map((call) => [questionIn(call), call]));
      const found = questions.map(async (question) => {
        const call = byQuestion.get(question);
        return call === undefined ? [] : [[question, await exchangeOf(url, call)] as const];
      });
      return new Map((await Promise.all(found)).flat());
    },
  };
}

function scenarioOf({ tokens, firstTokenMs, tokensPerSecond }: PlannedAnswer): Scenario {
  const text = Array.from({ length: tokens - 1 }, (_, index) => words[index % words.length]).join(' ');
  return {
    kind: 'answer',
    text: text + LAST_WORDS,
    firstTokenMs,
    ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
  };
}

/** The question in a request, whatever a bot has put around it; undefined where there is none. */
function questionIn({ body }: SimulatedCall): string | undefined {
  const { messages } = (body ?? {}) as { messages?: readonly unknown[] };
  return /Question \d+/.exec(JSON.stringify(messages?.at(-1) ?? ''))?.[0];
}

/** Reads the record of a generation, which is there some 700 ms after its end. */
async function exchangeOf(url: string, { atMs, generationId = '' }: SimulatedCall): Promise<Exchange> {
  const response = await fetch(`${url}/generation?id=${generationId}`, {
    headers: { authorization: `Bearer ${KEY}` },
  });
  const { data } = await readJson<{ data: { latency: number; generation_time: number } }>(response);
  return { requestAtMs: atMs, firstTokenAtMs: atMs + data.latency, endAtMs: atMs + data.generation_time };
}

async function readJson<Answer>(response: Response): Promise<Answer> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}
