import type { PromptMessage } from './completion.ts';

/** ⌈UTF-8 bytes ÷ 3⌉: what a prompt is counted as where no provider counts it. On the high side for most languages. */
export function estimatePromptTokens(messages: readonly PromptMessage[]): number {
  return Math.ceil(messages.reduce((bytes, { content }) => bytes + Buffer.byteLength(content), 0) / 3);
}
