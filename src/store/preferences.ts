import type { Preferences } from '../conversation/setting-ports.ts';
import type { UserId } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';

/** What people have chosen, by their qualified ids. Whoever has never written may choose too. */
export function createPreferences(sql: Sql): Preferences {
  const read = async (user: UserId, key: string): Promise<unknown> => {
    const rows = await reach(
      () => sql<{ value: unknown }[]>`
        select s.value from settings s join users u on u.id = s.subject_id
        where s.scope = 'user' and s.key = ${key} and u.platform_user_id = ${user}`,
    );
    return rows[0]?.value ?? null;
  };
  const write = async ({ originKey, author }: Envelope, key: string, value: unknown): Promise<void> => {
    // One command may set several.
    await callFunction(sql, 'set_user_setting_v1', { originKey: `${originKey}:${key}`, author, key, value });
  };
  return {
    async model(user) {
      const model = await read(user, 'model');
      return typeof model === 'string' ? model : null;
    },
    setModel: (envelope, model) => write(envelope, 'model', model),
    allowsFallback: async (user) => (await read(user, 'fallback')) === true,
    setAllowsFallback: (envelope, allows) => write(envelope, 'fallback', allows),
  };
}
