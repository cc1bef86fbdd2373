/** Messages of these quote what they failed on, which may be what somebody wrote. */
const QUOTING = new Set(['DrizzleQueryError', 'SyntaxError']);
const LONGEST_TEXT = 300;

/** What may be kept of an unexpected failure: its name and, where that quotes nothing, its message. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return 'a failure that is no Error';
  const name = error.constructor.name;
  return QUOTING.has(name) ? name : `${name}: ${error.message}`.slice(0, LONGEST_TEXT);
}
