import OpenAI from 'openai';
import { onTestFinished } from 'vitest';
import { startOpenRouterSimulator, type SimulatorOptions } from '../../../src/simulator/openrouter.ts';

export const key = 'sk-or-v1-simulated';
export const paid = 'openai/gpt-6-luna';
export const free = 'nvidia/nemotron-3.5-lightning:free';
export const messages = [{ role: 'user' as const, content: 'What is a monad?' }];

/** A simulator that stops with the test, the real client for it, and bare requests. */
export async function start(options: SimulatorOptions = {}) {
  const simulator = await startOpenRouterSimulator(options);
  onTestFinished(() => simulator.stop());
  const client = new OpenAI({
    apiKey: key,
    baseURL: simulator.url,
    maxRetries: 0,
    organization: null,
    project: null,
    logLevel: 'off',
  });
  const authorization = { authorization: `Bearer ${key}` };
  return {
    simulator,
    client,
    post: (body: object, init: RequestInit = {}) =>
      fetch(`${simulator.url}/chat/completions`, {
        method: 'POST',
        headers: authorization,
        body: JSON.stringify({ messages, ...body }),
        ...init,
      }),
    get: (path: string, headers: Record<string, string> = authorization) =>
      fetch(`${simulator.url}${path}`, { headers }),
  };
}

/** The JSON of an answer, as loosely typed as JSON is. */
export async function json(response: Response): Promise<Json> {
  return (await response.json()) as Json;
}

export type Json = ReturnType<typeof JSON.parse>;

/** The JSON of every `data:` line of an event stream, `[DONE]` left out. */
export function chunksOf(stream: string): Json[] {
  return stream
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:') && !line.endsWith('[DONE]'))
    .map((line) => JSON.parse(line.slice('data:'.length)));
}

/** Everything that a chat stream of the real client says until it ends or throws. */
export async function listen(client: OpenAI, body: object = {}, signal?: AbortSignal) {
  const heard = {
    text: '',
    reasoning: '',
    chunks: 0,
    finishReason: undefined as string | null | undefined,
    usage: undefined as Json,
    error: undefined as unknown,
  };
  try {
    const request = { model: paid, messages, stream: true as const, ...body };
    for await (const chunk of await client.chat.completions.create(request, { ...(signal && { signal }) })) {
      const [choice] = chunk.choices ?? [];
      heard.chunks += 1;
      heard.text += choice?.delta.content ?? '';
      heard.reasoning += (choice?.delta as Json)?.reasoning ?? '';
      heard.finishReason = choice?.finish_reason ?? heard.finishReason;
      heard.usage = chunk.usage ?? heard.usage;
    }
  } catch (error) {
    heard.error = error;
  }
  return heard;
}

/** Resolves once the condition holds; the test's own timeout ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
