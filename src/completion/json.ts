/** Reading of JSON whose shape nobody guarantees. None of these throws. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asString(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A number, also when it comes as a decimal string. */
export function asNumber(value: unknown): number | null {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** A count: a whole number from 0 to 2⁵³. */
export function asCount(value: unknown): number | null {
  const number = asNumber(value);
  // JSON knows -0, which no count is and which storing would change: added to 0 it is 0.
  return number !== null && Number.isSafeInteger(number) && number >= 0 ? number + 0 : null;
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
