import { and, eq } from 'drizzle-orm';
import type { Database } from './database.ts';
import { reach } from './failure.ts';
import { settings } from './schema/operation.ts';

export type SettingScope = 'guild' | 'user' | 'instance';
/** `model` and `locale` steer a person's turns; `conversation_style` is a guild's. */
export type SettingKey = 'model' | 'locale' | 'conversation_style';

/** Subjects are internal ids; the instance is `instanceSubject`. Rejects with `StoreUnavailable`. */
export interface SettingsStore {
  read(scope: SettingScope, subjectId: string, key: SettingKey): Promise<string | null>;
  /** `value` null forgets the choice. `by` is the qualified id of who chose. */
  write(
    scope: SettingScope,
    subjectId: string,
    key: SettingKey,
    value: string | null,
    by: string,
  ): Promise<void>;
}

export const instanceSubject = '00000000-0000-0000-0000-000000000000';

export function createSettingsStore({ db }: Database): SettingsStore {
  const row = (scope: SettingScope, subjectId: string, key: SettingKey) =>
    and(eq(settings.scope, scope), eq(settings.subjectId, subjectId), eq(settings.key, key));
  return {
    async read(scope, subjectId, key) {
      const rows = await reach(() =>
        db
          .select({ value: settings.value })
          .from(settings)
          .where(row(scope, subjectId, key)),
      );
      const value = rows[0]?.value;
      return typeof value === 'string' ? value : null;
    },
    async write(scope, subjectId, key, value, by) {
      if (value === null) {
        await reach(() => db.delete(settings).where(row(scope, subjectId, key)));
        return;
      }
      const change = { value, updatedAt: new Date(), updatedBy: by };
      await reach(() =>
        db
          .insert(settings)
          .values({ scope, subjectId, key, ...change })
          .onConflictDoUpdate({ target: [settings.scope, settings.subjectId, settings.key], set: change }),
      );
    },
  };
}
