import { formatCount, formatElapsed, formatUsd } from './duration.ts';
import { plural } from './plural.ts';

const count = (value: number): string => formatCount('en', value);
const usd = (nanoUsd: number): string => formatUsd('en', nanoUsd);
const elapsed = (durationMs: number): string => formatElapsed('en', durationMs);

/** What became of a model that did not answer, by the kind of its failure. */
const FAILURES: Record<string, string> = {
  unauthorized: 'the model service refused the key',
  no_credits: 'no credit was left for it',
  key_limit: 'the key had reached its limit',
  budget_spent: 'the budget for it was used up',
  model_not_found: 'it does not exist any more',
  no_endpoint: 'nobody served it',
  free_minute_spent: 'there were too many free answers in that minute',
  free_day_spent: 'the free answers of the day were used up',
  rate_limited: 'it was busy',
  in_flight_budget: 'the money was held for other answers',
  overloaded: 'it was overloaded',
  moderated: 'it declined to answer',
  context_too_long: 'it can’t read so long a conversation',
  invalid_request: 'it did not accept the question',
  timeout: 'it took too long',
  unreachable: 'it could not be reached',
  empty_answer: 'it said nothing',
  truncated: 'it broke off',
  upstream_error: 'its provider failed',
  lost: 'I was interrupted meanwhile',
  search_failed: 'its search of the web failed',
  search_unsupported: 'it can’t search the web',
};
const CHOICES: Record<string, string> = {
  person: 'chosen by whoever asked',
  guild: 'chosen by this community',
  first: 'first in my order of models',
  fallback: 'stepped in where others could not answer',
  instead: 'stepped in for the chosen model',
};
const PAYERS: Record<string, string> = {
  operator: 'my operator',
  user: 'whoever asked, with their own key',
  guild: 'this community, with its own key',
};

/** How an answer came about. A figure below 0 is one that nobody knows, or that is not to be told. */
export const enWhy = {
  'why.title': () => '**Why this answer**',
  'why.model': (p: { asked: string; used: string }) =>
    p.asked === p.used ? `Model: \`${p.used}\`` : `Model: \`${p.asked}\` was asked, \`${p.used}\` answered`,
  'why.chosen': (p: { by: string; instead: string }) =>
    `Why this model: ${CHOICES[p.by] ?? ''}${p.instead === '' ? '' : `, \`${p.instead}\``}`,
  'why.tokens': (p: {
    promptTokens: number;
    completionTokens: number;
    cachedTokens: number;
    reasoningTokens: number;
  }) =>
    `Tokens: ${count(p.promptTokens)} read${p.cachedTokens > 0 ? ` (${count(p.cachedTokens)} from a cache)` : ''}, ${count(p.completionTokens)} written${p.reasoningTokens > 0 ? ` (${count(p.reasoningTokens)} while thinking)` : ''}`,
  'why.cost': (p: { costNanoUsd: number }) =>
    p.costNanoUsd === 0 ? 'Cost: free' : `Cost: ${usd(p.costNanoUsd)}`,
  'why.cost_hidden': () => 'Cost: told to whoever asked and to those who manage this community',
  'why.cost_overheard': () => 'Cost: not told where others read along; the button below the answer tells it',
  'why.search': (p: { searches: number; costNanoUsd: number }) =>
    p.searches === 0
      ? 'Web: nothing was searched'
      : `Web: searched${p.searches > 0 ? ` ${plural(p.searches, 'time', 'times')}` : ''}${p.costNanoUsd > 0 ? `, ${usd(p.costNanoUsd)} of the cost` : ''}`,
  'why.wait': (p: { firstMs: number; wholeMs: number }) =>
    `Wait: ${p.firstMs < 0 ? '' : `first word after ${elapsed(p.firstMs)}, `}complete after ${elapsed(p.wholeMs)}`,
  'why.payer': (p: { payer: string }) => `Paid by: ${PAYERS[p.payer] ?? p.payer}`,
  'why.continued': () =>
    'It goes on with an answer that had broken off; the figures are those of the last piece',
  'why.again_running': () => 'It is being answered once more at the moment',
  'why.again_failed': () => 'The last try to answer it once more failed, so this one stayed',
  'why.tried': () => '**Tried without an answer**',
  'why.attempt': (p: { model: string; failure: string }) =>
    `\`${p.model}\`: ${FAILURES[p.failure] ?? 'it could not answer'}`,
  'why.brief': (p: {
    model: string;
    by: string;
    tokens: number;
    costNanoUsd: number;
    tried: number;
    wholeMs: number;
  }) =>
    [
      p.model,
      CHOICES[p.by] ?? '',
      p.tokens < 0 ? '' : plural(p.tokens, 'token', 'tokens'),
      p.costNanoUsd < 0 ? '' : p.costNanoUsd === 0 ? 'free' : usd(p.costNanoUsd),
      p.wholeMs < 0 ? '' : elapsed(p.wholeMs),
      p.tried === 0 ? '' : `${plural(p.tried, 'other try', 'other tries')} failed`,
    ]
      .filter((fact) => fact !== '')
      .join(' · ') + '. More: /why',
  'why.running': () => 'That answer is still being written. Ask me why when it is complete.',
  'why.failed': () => 'There is no answer to explain: no model could give one.',
  'why.cancelled': () => 'There is no answer to explain: it was stopped before its first word.',
  'why.interrupted': () => 'There is no answer to explain: I was interrupted before its first word.',
  'why.gone': () => 'I have no record of that answer, or not any more.',
  'why.none': () => 'I have not answered anything here yet.',
} as const;
