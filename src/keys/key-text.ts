/** Keys of OpenRouter as they are written, where nothing that could belong to them stands around them. */
const WRITTEN_KEY = /(?<![\w-])sk-or-[\w-]{8,200}(?![\w-])/u;

/** The same, whatever they are glued to: nothing else has such a tail. */
const HELD_KEY = /sk-or-(?:v\d+-)?[\da-f]{24,}/iu;

/** The key in what somebody wrote; null where there is none of ours. What other services' keys look like is not sent anywhere. */
export function readKey(text: string): string | null {
  return WRITTEN_KEY.exec(text)?.[0] ?? null;
}

/** Whether a text holds an OpenRouter key, and so is meant for nobody's eyes. */
export const holdsKey = (text: string): boolean => HELD_KEY.test(text);

/** Whether a text could be a key of any kind: one long word, or something that begins as keys do. */
export const mayBeKey = (text: string): boolean =>
  holdsKey(text) ||
  /^\s*\S{16,}\s*$/u.test(text) ||
  /(?<![\w-])(?:sk|hf|gsk|AIza)[-_]?[\w-]{12,}/u.test(text);
