import { formatCount } from './duration.ts';

/** A count with its noun, in English. */
export function plural(value: number, one: string, other: string): string {
  return `${formatCount('en', value)} ${value === 1 ? one : other}`;
}
