import { readFileSync } from 'node:fs';
import { z } from 'zod';

type JsonSchema = Exclude<Parameters<typeof z.fromJSONSchema>[0], boolean>;

const file = new URL('../../fixtures/openrouter/schemas.json', import.meta.url);
const { $defs } = JSON.parse(readFileSync(file, 'utf8')) as {
  $defs: NonNullable<JsonSchema['$defs']>;
};
const parsers = new Map<string, z.ZodType>();

/** What OpenRouter's own description has against the value, one line for each problem; empty when nothing. */
export function problemsWith(schemaName: string, value: unknown): string[] {
  if (!(schemaName in $defs)) throw new RangeError(`no such schema: ${schemaName}`);
  const parser = parsers.get(schemaName) ?? z.fromJSONSchema({ $ref: `#/$defs/${schemaName}`, $defs });
  parsers.set(schemaName, parser);
  const { error } = parser.safeParse(value);
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}
