import type { Preferences } from '../conversation/setting-ports.ts';
import type { Sql } from './connection.ts';
import { callFunction } from './document.ts';
import { reach } from './failure.ts';

/** What people have chosen, by their qualified ids. Whoever has never written may choose too. */
export function createPreferences(sql: Sql): Preferences {
  return {
    async of(user) {
      const rows = await reach(
        () => sql<{ key: string; value: unknown }[]>`
          select s.key, s.value from settings s join users u on u.id = s.subject_id
          where s.scope = 'user' and u.platform_user_id = ${user}`,
      );
      const values = new Map(rows.map(({ key, value }) => [key, value]));
      const model = values.get('model');
      return {
        model: typeof model === 'string' ? model : null,
        allowsFallback: values.get('fallback') === true,
        temperature: numberIn(values.get('temperature')),
        maxTokens: numberIn(values.get('max_tokens')),
        optimises: booleanIn(values.get('optimise')),
      };
    },
    async change({ originKey, author }, { model, allowsFallback, temperature, maxTokens, optimises }) {
      const values = {
        model,
        fallback: allowsFallback,
        temperature,
        max_tokens: maxTokens,
        optimise: optimises,
      };
      await callFunction(sql, 'set_user_settings_v1', { originKey, author, values });
    },
  };
}

const booleanIn = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);
const numberIn = (value: unknown): number | null => (typeof value === 'number' ? value : null);
