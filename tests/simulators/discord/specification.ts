import { readFileSync } from 'node:fs';
import { parseType } from './notation.ts';
import type { TypeNode } from './notation.ts';

/** Fields of an object: name (with `?` when optional) to type expression. */
export type Fields = Readonly<Record<string, string>>;

interface Operation {
  readonly query?: Fields;
  readonly body?: string;
  /** Type of the answer's body by status; `nothing` for an empty one. */
  readonly answers: Readonly<Record<string, string>>;
}

interface Specification {
  readonly operations: Readonly<Record<string, Operation>>;
  /** An object's fields, or the type expression that a name stands for. */
  readonly schemas: Readonly<Record<string, Fields | string>>;
}

const specification = JSON.parse(
  readFileSync(new URL('../../fixtures/discord/rest.json', import.meta.url), 'utf8'),
) as Specification;

/** Every route of the description, as `METHOD /path/{parameter}`. */
export const routeNames: readonly string[] = Object.keys(specification.operations);

export function operationOf(route: string): Operation | undefined {
  return specification.operations[route];
}

/** What a name of the description stands for; throws when there is no such name. */
export function schemaOf(name: string): { readonly fields: Fields } | { readonly type: TypeNode } {
  const schema = specification.schemas[name];
  if (schema === undefined) throw new Error(`The description has no "${name}".`);
  return typeof schema === 'string' ? { type: parseType(schema) } : { fields: schema };
}

/** The type of a field and whether it must be there; `undefined` when the object has no such field. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  return fields[name] ?? fields[`${name}?`];
}
