import type { SimulatedModel } from './catalogue.ts';
import { maxTokensOf, type ChatRequest } from './validation.ts';

/** The most tokens that an answer can have; undefined when neither side sets a limit. */
export function outputLimit(model: SimulatedModel, request: ChatRequest): number | undefined {
  const limits = [maxTokensOf(request), model.maxCompletionTokens].filter(
    (limit) => limit !== undefined && limit !== null,
  );
  return limits.length === 0 ? undefined : Math.min(...limits);
}
