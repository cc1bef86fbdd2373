import { en, type MessageKey, type MessageParams, type Translation } from './en.ts';
import { id } from './id.ts';

export type Locale = 'en' | 'id';
export const LOCALES: readonly Locale[] = ['en', 'id'];

const DICTIONARIES: Record<Locale, Translation> = { en, id };

/** A sentence to be said later, in whatever language its reader has then. */
export type Notice = {
  readonly [Key in MessageKey]: undefined extends MessageParams<Key>
    ? { readonly key: Key; readonly params?: Readonly<Record<string, never>> }
    : { readonly key: Key; readonly params: MessageParams<Key> };
}[MessageKey];

/** The first of the given language tags that Parley speaks, else English. Accepts any IETF tag. */
export function pickLocale(...tags: readonly (string | null | undefined)[]): Locale {
  for (const tag of tags) {
    const language = tag?.toLowerCase().split(/[-_]/u)[0];
    if (language === 'in') return 'id'; // the code that older systems use for Indonesian
    const known = LOCALES.find((locale) => locale === language);
    if (known !== undefined) return known;
  }
  return 'en';
}

export function translate(locale: Locale, notice: Notice): string {
  const say = DICTIONARIES[locale][notice.key] as (params: unknown) => string;
  return say(notice.params);
}

export function isMessageKey(key: string): key is MessageKey {
  return Object.hasOwn(en, key);
}
