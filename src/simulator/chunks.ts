import type { Piece } from './answer.ts';
import { envelope, reasoningDetail, type Completion, type Ending } from './completion.ts';

/** One `chat.completion.chunk`. Without an `ending` the answer goes on. */
export function chunk(
  completion: Completion,
  delta: object,
  ending: Ending = { finish_reason: null, native_finish_reason: null },
) {
  return {
    ...envelope(completion, 'chat.completion.chunk'),
    choices: [{ index: 0, delta, ...ending, logprobs: null }],
  };
}

/** The delta that carries a piece; OpenRouter repeats `role` on every one. */
export function deltaOf({ scenario }: Completion, { text, reasoning, toolCall }: Piece): object {
  const role = 'assistant';
  if (toolCall !== undefined) {
    const { index, id, name, arguments: fragment } = toolCall;
    const call = {
      ...(scenario.indexless !== true && { index }),
      ...(id !== undefined && { id }),
      type: 'function',
      function: { ...(name !== undefined && { name }), arguments: fragment },
    };
    return { role, content: null, tool_calls: [call] };
  }
  if (reasoning === undefined) return { role, content: text ?? '' };
  return {
    role,
    content: text ?? '',
    reasoning,
    reasoning_details: [reasoningDetail(reasoning)],
  };
}

/** An empty delta, such as the one every stream begins with. */
export const emptyDelta = { role: 'assistant', content: '' } as const;
