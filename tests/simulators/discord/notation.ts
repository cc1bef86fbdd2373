/** A type of the description, parsed. Bounds are those of a length, a count or a number. */
export type TypeNode =
  | {
      readonly kind: 'scalar';
      readonly name: Scalar;
      readonly min: number | undefined;
      readonly max: number | undefined;
    }
  | { readonly kind: 'constant'; readonly value: unknown }
  | {
      readonly kind: 'list';
      readonly unique: boolean;
      readonly min: number | undefined;
      readonly max: number | undefined;
      readonly element: TypeNode;
    }
  | { readonly kind: 'map'; readonly max: number | undefined; readonly element: TypeNode }
  | { readonly kind: 'union'; readonly alternatives: readonly TypeNode[] }
  | { readonly kind: 'reference'; readonly name: string };

const scalars = [
  'null',
  'string',
  'uri',
  'date-time',
  'snowflake',
  'integer',
  'number',
  'boolean',
  'any',
] as const;
export type Scalar = (typeof scalars)[number];

const parsed = new Map<string, TypeNode>();

/** Reads a type expression such as `Array(..10) of (A|B)|null`; throws when it is none. Each expression is parsed once. */
export function parseType(text: string): TypeNode {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const reader = { text, at: 0 };
  const node = readUnion(reader);
  if (reader.at !== text.length) throw new Error(`"${text}" is no type.`);
  parsed.set(text, node);
  return node;
}

interface Reader {
  readonly text: string;
  at: number;
}

function readUnion(reader: Reader): TypeNode {
  const alternatives = [readSingle(reader)];
  while (take(reader, /\|/y) !== undefined) alternatives.push(readSingle(reader));
  const [only] = alternatives;
  return only !== undefined && alternatives.length === 1 ? only : { kind: 'union', alternatives };
}

function readSingle(reader: Reader): TypeNode {
  if (take(reader, /\(/y) !== undefined) {
    const inner = readUnion(reader);
    take(reader, /\)/y);
    return inner;
  }
  const constant = take(reader, /=("[^"]*"|-?\d+)/y);
  if (constant !== undefined) return { kind: 'constant', value: JSON.parse(constant.slice(1)) as unknown };
  const name = take(reader, /[\w-]+/y) ?? '';
  const { min, max } = readBounds(reader);
  if (take(reader, / of /y) !== undefined) {
    const element = readSingle(reader);
    return name === 'Map'
      ? { kind: 'map', max, element }
      : { kind: 'list', unique: name === 'Set', min, max, element };
  }
  const scalar = scalars.find((known) => known === name);
  return scalar === undefined ? { kind: 'reference', name } : { kind: 'scalar', name: scalar, min, max };
}

function readBounds(reader: Reader): { min: number | undefined; max: number | undefined } {
  const text = take(reader, /\((-?\d*)\.\.(-?\d*)\)/y);
  const [min, max] = text === undefined ? [] : text.slice(1, -1).split('..');
  const numeric = (bound: string | undefined): number | undefined =>
    bound === undefined || bound === '' ? undefined : Number(bound);
  return { min: numeric(min), max: numeric(max) };
}

function take(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const match = pattern.exec(reader.text)?.[0];
  if (match !== undefined) reader.at += match.length;
  return match;
}
