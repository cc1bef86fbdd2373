import type { CallEnd, ModelCall } from '../../../src/completion/model-client.ts';
import { createOpenRouterClient } from '../../../src/completion/openrouter.ts';
import type { OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';

export const key = 'sk-or-v1-simulated';
export const freeModel = 'google/gemma-4-31b-it:free';

/** Timers that no test reaches unless it sets one of them. */
export const patient = { firstTokenMs: 20_000, firstTextMs: 20_000, idleMs: 20_000, wholeMs: 20_000 };

export interface Received {
  readonly end: CallEnd;
  readonly text: string;
  readonly deltas: readonly string[];
  readonly generationIds: readonly string[];
  readonly firstTokens: number;
}

export function clientOf(simulator: Pick<OpenRouterSimulator, 'url'>, now: () => number = Date.now) {
  return createOpenRouterClient({
    apiKey: key,
    baseUrl: simulator.url,
    appUrl: 'https://parley.example',
    appName: 'Parley',
    now,
  });
}

/** Makes one call and gathers what the sink received. */
export async function receive(
  simulator: Pick<OpenRouterSimulator, 'url'>,
  call: Partial<ModelCall> = {},
  { signal, onText }: { signal?: AbortSignal; onText?: (text: string) => void } = {},
): Promise<Received> {
  const deltas: string[] = [];
  const generationIds: string[] = [];
  let firstTokens = 0;
  const sink = {
    onGeneration: (id: string) => void generationIds.push(id),
    onFirstToken: () => {
      firstTokens += 1;
    },
    onText: (delta: string) => {
      deltas.push(delta);
      onText?.(deltas.join(''));
    },
  };
  const whole: ModelCall = {
    model: freeModel,
    alternatives: [],
    messages: [{ role: 'user', content: 'How are you?' }],
    breakpoints: [],
    maxTokens: 200,
    temperature: 0.7,
    endUser: 'person-1',
    sessionId: 'conversation-1',
    lowEffort: false,
    maxPrices: {},
    timers: patient,
    ...call,
  };
  const end = await clientOf(simulator).run(whole, sink, signal ?? new AbortController().signal);
  return { end, text: deltas.join(''), deltas, generationIds, firstTokens };
}
