import { estimateTokenCount } from 'tokenx';
import type { Candidate } from './candidates.ts';
import type { PromptMessage } from './completion.ts';

export interface CachingSettings {
  /**
   * What breakpoints tell the provider to keep: `system` the instructions alone, `history` the conversation so far, `auto`
   * both, where the model's family needs to be told, `off` nothing.
   */
  readonly strategy: 'auto' | 'off' | 'system' | 'history';
  /** A shorter beginning gets no breakpoint; tokens. */
  readonly minTokens: number;
}

/** A family of models that takes breakpoints. All others keep by themselves, or not at all. */
interface Family {
  readonly id: RegExp;
  /** A shorter beginning is never kept; tokens. */
  readonly minTokens: number;
  readonly mostBreakpoints: number;
  /** It also keeps by itself, and charges nothing for it, so `auto` leaves it alone. */
  readonly isAutomatic: boolean;
}

const family = (id: RegExp, minTokens: number, mostBreakpoints = 4, isAutomatic = false): Family => ({
  id,
  minTokens,
  mostBreakpoints,
  isAutomatic,
});

/** The first that fits counts. OpenAI, DeepSeek, Grok, Moonshot, Z.AI and others keep by themselves. */
const families: readonly Family[] = [
  family(/^anthropic\/claude-(opus-4\.[5-8]|haiku-4\.5)$/, 4096),
  family(/^anthropic\/claude-(3\.5-haiku|haiku-3\.5)$/, 2048),
  // Of newer ones nothing is known; a breakpoint that comes too early for a model is passed over and costs nothing.
  family(/^anthropic\//, 1024),
  // Of several the last one counts.
  family(/^google\/gemini-.*pro/, 4096, 1, true),
  family(/^google\/gemini-/, 1024, 1, true),
  family(/^qwen\//, 1024),
];

/**
 * The messages after which the provider is told to keep the beginning of the prompt, by their position, in order. Only where
 * the list tells what writing and reading the cache cost, for the hold of a call covers nothing else; never for free models.
 */
export function cacheBreakpoints(
  { id, isFree, listed }: Candidate,
  messages: readonly PromptMessage[],
  { strategy, minTokens }: CachingSettings,
): readonly number[] {
  const { cacheRead = null, cacheWrite = null } = listed?.prices ?? {};
  if (strategy === 'off' || isFree || cacheRead === null || cacheWrite === null) return [];
  const rules = families.find((candidate) => candidate.id.test(id));
  if (rules === undefined || (strategy === 'auto' && rules.isAutomatic)) return [];
  const ends = tokensUpToEach(messages);
  return placesFor(messages, strategy)
    .filter((place) => (ends[place] ?? 0) >= Math.max(minTokens, rules.minTokens))
    .slice(-rules.mostBreakpoints);
}

/**
 * The instructions; the question before the last, where the last turn's prompt ended, so that it is found again; the last
 * question, for the turn to come.
 */
function placesFor(
  messages: readonly PromptMessage[],
  strategy: Exclude<CachingSettings['strategy'], 'off'>,
): readonly number[] {
  const placesOf = (wanted: PromptMessage['role']) =>
    messages.flatMap(({ role }, place) => (role === wanted ? [place] : []));
  const [system, questions] = [placesOf('system').slice(-1), placesOf('user').slice(-2)];
  if (strategy === 'system') return system;
  return strategy === 'history' ? questions : [...system, ...questions];
}

/** Estimated. */
function tokensUpToEach(messages: readonly PromptMessage[]): readonly number[] {
  let tokens = 0;
  return messages.map(({ content }) => (tokens += estimateTokenCount(content)));
}
