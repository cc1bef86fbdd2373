/** Parts of a figure, in brackets behind it; nothing where there are none. */
export function among(parts: readonly (string | false)[]): string {
  const told = parts.filter((part) => part !== false);
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}
