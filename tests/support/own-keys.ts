import { randomBytes } from 'node:crypto';
import type { OpenRouterSimulator } from '../../src/simulator/openrouter.ts';
import type { TestDatabase } from './database.ts';

/** Random bytes, as an operator would make them. */
export const newEncryptionKey = (): string => {
  const key = randomBytes(32);
  return key.toString('base64');
};

/** A key that OpenRouter has made for an account of somebody's own. */
export function newKey(
  openrouter: Pick<OpenRouterSimulator, 'setKey'>,
  rest: Partial<Parameters<OpenRouterSimulator['setKey']>[0]> = {},
): string {
  const key = `sk-or-v1-${randomBytes(32).toString('hex')}`;
  openrouter.setKey({ key, account: key, ...rest });
  return key;
}

/** With which keys models were asked, oldest first. */
export const keysUsed = ({ calls }: Pick<OpenRouterSimulator, 'calls'>): readonly string[] =>
  calls
    .filter(({ path }) => path.endsWith('/chat/completions'))
    .map(({ headers }) => String(headers.authorization).replace('Bearer ', ''));

export interface AuditRow {
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly guild: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
}

export const auditOf = (database: TestDatabase, subject: string): Promise<readonly AuditRow[]> =>
  database.sql<AuditRow[]>`
    select actor, action, subject, guild, details from audit where subject = ${subject} and action like 'key.%' order by id`;

/** Texts that stand anywhere in the database, in any table that the bot has. */
export async function inDatabase(
  { sql }: TestDatabase,
  texts: readonly string[],
): Promise<readonly string[]> {
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public'`;
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await sql<{ row: string }[]>`select t::text as row from ${sql(name)} t`;
    const whole = rows.map(({ row }) => row).join('\n');
    for (const text of texts) if (whole.includes(text)) found.push(`${name}: ${text}`);
  }
  return found;
}
