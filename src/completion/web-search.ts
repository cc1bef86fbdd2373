import { worstCaseNanoUsd } from './attempt-record.ts';
import type { Candidate } from './candidates.ts';
import type { ReportedUsage } from './model-client.ts';
import type { SearchReport, Source } from './sources.ts';

/**
 * What a model may do on the web for one answer, by OpenRouter's server tool. An engine of a known price is named, because
 * that of a provider would cost what it likes; and each bound is one of the sum that has to be held before.
 */
const engine = 'exa';
/** The database reckons with it too: `readings_v1`. */
const mostSearches = 2;
const resultsASearch = 5;
const charactersAResult = 2000;
/** OpenRouter's price of one Exa search of up to 10 results (openrouter.ai/docs, "Web search", November 2026). */
const searchNanoUsd = 7_000_000n;
/** A result's text in the script that takes the most bytes, and 500 tokens for its address, title and frame. */
const tokensAResult = charactersAResult + 500;
/** The most that one more reading of the prompt has in it after a search. */
const tokensASearch = resultsASearch * tokensAResult;

/** The most tokens that one call reads before its last answer: what all searches found, and what it wrote before. */
export function longestReading(promptTokens: number, maxTokens: number): number {
  return promptTokens + mostSearches * (tokensASearch + maxTokens);
}

/** The most tokens that searches add to what an answer takes: all is read, and may be written, once more after each. */
export function searchingTokens(promptTokens: number, maxTokens: number): number {
  let sum = 0;
  for (let searches = 1; searches <= mostSearches; searches += 1)
    sum += promptTokens + maxTokens + searches * (tokensASearch + maxTokens);
  return sum;
}

/** The most that the searches themselves can cost, on free models too. */
export const searchesNanoUsd = BigInt(mostSearches) * searchNanoUsd;

/** What a request has to have for the model to search, and to search no more than was held for. */
export const searchRequest = {
  tools: [
    {
      type: 'openrouter:web_search',
      parameters: {
        engine,
        max_results: resultsASearch,
        max_uses: mostSearches,
        max_total_results: mostSearches * resultsASearch,
        max_characters: charactersAResult,
      },
    },
  ],
  max_tool_calls: mostSearches,
} as const;

/** Whether a model can call tools at all, as far as the list tells; only OpenRouter has the one that searches. */
export function canSearch({ provider, listed }: Candidate): boolean {
  return provider === 'openrouter' && (listed === null || listed.supportedParameters.includes('tools'));
}

/**
 * The most that an answer with searches can cost, in nano-USD: after each search the model reads everything again, what was
 * found and what it wrote before included. Null when a price is unknown.
 */
export function searchingWorstCaseNanoUsd(
  candidate: Candidate,
  promptTokens: number,
  maxTokens: number,
): bigint | null {
  let sum = searchesNanoUsd;
  for (let searches = 0; searches <= mostSearches; searches += 1) {
    const read = promptTokens + searches * (tokensASearch + maxTokens);
    const call = worstCaseNanoUsd(candidate, read, maxTokens);
    if (call === null) return null;
    sum += call;
  }
  return sum;
}

/** What is told of the searches for an answer. Without a word of the provider sources alone tell that there were some. */
export function searchReport(usage: ReportedUsage | null, sources: readonly Source[]): SearchReport {
  const told = usage?.tools ?? null;
  const none = usage !== null && sources.length === 0 ? 0 : null;
  const searches = told?.searches ?? none;
  const cost = told?.costNanoUsd ?? (searches === 0 ? 0n : null);
  return { searches, costNanoUsd: cost === null ? null : Number(cost), sources };
}
