import { z } from 'zod';
import { answerScenario, connectionScenario, httpScenario, rawScenario } from '../scenario.ts';

const refusal = z.strictObject({
  kind: z.literal('refusal'),
  /** One of the service's own names. */
  name: z.string(),
  afterMs: z.number().min(0).max(3_600_000).optional(),
});

/** One thing that can happen to a chat request. Of an answer's fields those about OpenRouter's own ways play no part. */
export const serviceScenarioSchema = z.discriminatedUnion('kind', [
  answerScenario,
  httpScenario,
  refusal,
  connectionScenario,
  rawScenario,
]);

export type ServiceScenario = z.input<typeof serviceScenarioSchema>;
export type PreparedServiceScenario = z.output<typeof serviceScenarioSchema>;
