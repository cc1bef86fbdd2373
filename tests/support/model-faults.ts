import type { Scenario } from '../../src/simulator/scenario.ts';

/** Something that goes wrong upstream, and how the record of the attempt names it. */
export type ModelFault = readonly [name: string, scenario: Scenario, failure: string];

export const refusal = (
  name: Extract<Scenario, { kind: 'refusal' }>['name'],
  more: object = {},
): Scenario => ({ kind: 'refusal', name, ...more });

/** Text, and then trouble. */
export const words = 'These are the first words of an answer that will not be finished.';
export const broken = (fault: Extract<Scenario, { kind: 'answer' }>['fault']): Scenario => ({
  kind: 'answer',
  text: words,
  ...(fault !== undefined && { fault }),
});

/** Everything of one model's own that can happen before the first word. */
export const FAULTS_BEFORE_TEXT: readonly ModelFault[] = [
  ['no such model', refusal('model-not-found'), 'model_not_found'],
  ['a model that is no longer free', refusal('free-variant-ended'), 'model_not_found'],
  ['no provider for a model', refusal('no-endpoints'), 'no_endpoint'],
  ['a data policy in the way', refusal('privacy'), 'no_endpoint'],
  ['429 without a time', refusal('upstream-rate-limit'), 'rate_limited'],
  ['429 with Retry-After', refusal('upstream-rate-limit', { retryAfter: 7 }), 'rate_limited'],
  ['no capacity', refusal('capacity-exhausted'), 'rate_limited'],
  ['408', refusal('operation-timeout'), 'timeout'],
  ['500', refusal('internal'), 'upstream_error'],
  ['502', refusal('provider-error'), 'upstream_error'],
  ['503', refusal('unavailable'), 'overloaded'],
  ['504', refusal('gateway-timeout'), 'timeout'],
  ['524', refusal('edge-timeout'), 'timeout'],
  ['529', refusal('overloaded'), 'overloaded'],
  ["a proxy's page", refusal('proxy-page'), 'upstream_error'],
  ["a firewall's page", { kind: 'http', status: 403, body: '<html>no</html>' }, 'upstream_error'],
  [
    'an enormous page',
    { kind: 'http', status: 502, body: '<html>', padToBytes: 3_000_000 },
    'upstream_error',
  ],
  ['200 with an error inside', refusal('provider-error', { insideOk: true }), 'upstream_error'],
  ['200 without a body', { kind: 'http', status: 200 }, 'upstream_error'],
  ['200 with a page', { kind: 'http', status: 200, body: '<html>hello</html>' }, 'upstream_error'],
  ['a reset connection', { kind: 'connection', event: 'reset' }, 'unreachable'],
  ['a closed connection', { kind: 'connection', event: 'close' }, 'unreachable'],
  ['no answer at all', { kind: 'connection', event: 'stall' }, 'timeout'],
  ['no first token', { kind: 'answer', text: 'never', fault: { kind: 'stall', afterTokens: 0 } }, 'timeout'],
  [
    'comments but no first token',
    { kind: 'answer', text: 'never', fault: { kind: 'stall', afterTokens: 0, commentEveryMs: 50 } },
    'timeout',
  ],
  [
    'an error as first event',
    { kind: 'answer', text: 'never', fault: { kind: 'error', afterTokens: 0 } },
    'upstream_error',
  ],
  ['an early end', { kind: 'answer', text: 'never', fault: { kind: 'cut', afterTokens: 0 } }, 'truncated'],
  [
    'a reset before the first event',
    { kind: 'answer', text: 'never', fault: { kind: 'cut', afterTokens: 0, how: 'reset' } },
    'truncated',
  ],
  ['an empty answer', { kind: 'answer', text: '' }, 'empty_answer'],
  ['nothing but blanks', { kind: 'answer', text: ' \n\u200b ' }, 'empty_answer'],
  ['nothing but reasoning', { kind: 'answer', reasoning: 'I think, therefore…' }, 'empty_answer'],
  [
    'the finish reason "error"',
    { kind: 'answer', text: '', finishReason: 'error', nativeFinishReason: 'error' },
    'upstream_error',
  ],
];

/** Everything of one model's own that can happen after the first words. */
export const FAULTS_AFTER_TEXT: readonly ModelFault[] = [
  ['silence', broken({ kind: 'stall', afterTokens: 4 }), 'timeout'],
  ['nothing but comments', broken({ kind: 'stall', afterTokens: 4, commentEveryMs: 50 }), 'timeout'],
  ['an error event', broken({ kind: 'error', afterTokens: 4 }), 'upstream_error'],
  ['a broken line', broken({ kind: 'malformed', afterTokens: 4 }), 'upstream_error'],
  ['an early end', broken({ kind: 'cut', afterTokens: 4 }), 'truncated'],
  ['a reset connection', broken({ kind: 'cut', afterTokens: 4, how: 'reset' }), 'truncated'],
];
