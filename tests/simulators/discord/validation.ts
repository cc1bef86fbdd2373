import { parseType } from './notation.ts';
import type { Scalar, TypeNode } from './notation.ts';
import type { Problem } from './refusal.ts';
import { fieldOf, schemaOf } from './specification.ts';
import type { Fields } from './specification.ts';

type Path = readonly (string | number)[];

/** What differs between a request and an answer: a request may carry unknown fields, and numbers as text. */
interface Mode {
  readonly lenient: boolean;
}

/**
 * Everything wrong with a request's value, in Discord's words; empty when it is valid. Unknown fields are ignored and numbers may come
 * as text, as the real API has it.
 */
export function requestProblems(type: string, value: unknown): Problem[] {
  return problemsOf(parseType(type), value, [], { lenient: true });
}

/** Every way `value` departs from the description, as sentences. Unknown fields count too. */
export function answerViolations(type: string, value: unknown, name = type): string[] {
  return problemsOf(parseType(type), value, [], { lenient: false }).map(
    ({ path, message }) => `${[name, ...path].join('.')}: ${message}`,
  );
}

/** Names in `value` that the description does not know. */
export function unknownFields(type: string, value: unknown): string[] {
  if (!isObject(value)) return [];
  const shapes = objectShapes(parseType(type));
  return Object.keys(value).filter((name) => !shapes.some((fields) => fieldOf(fields, name) !== undefined));
}

function problemsOf(node: TypeNode, value: unknown, path: Path, mode: Mode): Problem[] {
  switch (node.kind) {
    case 'scalar':
      return scalarProblems(node, value, path, mode);
    case 'constant':
      return value === node.value ? [] : [choices([node.value], path)];
    case 'list':
      return listProblems(node, value, path, mode);
    case 'map':
      if (!isObject(value)) return [notAnObject(path)];
      return Object.entries(value).flatMap(([key, item]) =>
        problemsOf(node.element, item, [...path, key], mode),
      );
    case 'union':
      return unionProblems(node.alternatives, value, path, mode);
    case 'reference': {
      const schema = schemaOf(node.name);
      return 'type' in schema
        ? problemsOf(schema.type, value, path, mode)
        : objectProblems(schema.fields, value, path, mode);
    }
  }
}

function unionProblems(alternatives: readonly TypeNode[], value: unknown, path: Path, mode: Mode): Problem[] {
  if (alternatives.every(({ kind }) => kind === 'constant')) {
    const values = alternatives.map((alternative) =>
      alternative.kind === 'constant' ? alternative.value : undefined,
    );
    return values.includes(value) ? [] : [choices(values, path)];
  }
  if (value === null && alternatives.some(isNull)) return [];
  const found = alternatives
    .filter((alternative) => !isNull(alternative))
    .map((alternative) => problemsOf(alternative, value, path, mode));
  if (found.some((problems) => problems.length === 0)) return [];
  const ofItsType = isObject(value)
    ? found.filter((problems) => !problems.some((problem) => isTypeProblem(problem, path)))
    : found;
  if (ofItsType.length === 0 && isObject(value)) {
    const types = objectTypes(alternatives).join(', ');
    return [
      {
        path: [...path, 'type'],
        code: 'UNION_TYPE_CHOICES',
        message: `Value of field "type" must be one of (${types}).`,
      },
    ];
  }
  return ofItsType.reduce((best, problems) => (badness(problems) < badness(best) ? problems : best));
}

/** Of two alternatives with as many problems, the one whose kind of value was meant is the better. */
function badness(problems: readonly Problem[]): number {
  return problems.length + (problems.some(({ code }) => /_(COERCE|CONVERT|REQUIRED)$/.test(code)) ? 0.5 : 0);
}

function isNull(node: TypeNode): boolean {
  return node.kind === 'scalar' && node.name === 'null';
}

/** A problem with the `type` by which the alternatives of a union are told apart, or with not being an object at all. */
function isTypeProblem({ path, code }: Problem, unionPath: Path): boolean {
  if (path.length === unionPath.length) return code !== 'UNKNOWN_FIELD';
  return path.length === unionPath.length + 1 && path.at(-1) === 'type';
}

function objectTypes(alternatives: readonly TypeNode[]): string[] {
  return alternatives
    .flatMap(objectShapes)
    .map((fields) => (fields['type'] ?? '').replaceAll('=', '').replaceAll('|', ', '));
}

function objectShapes(node: TypeNode): Fields[] {
  if (node.kind === 'union') return node.alternatives.flatMap(objectShapes);
  if (node.kind !== 'reference') return [];
  const schema = schemaOf(node.name);
  return 'type' in schema ? objectShapes(schema.type) : [schema.fields];
}

function objectProblems(fields: Fields, value: unknown, path: Path, mode: Mode): Problem[] {
  if (!isObject(value)) return [notAnObject(path)];
  const problems: Problem[] = [];
  for (const [key, type] of Object.entries(fields)) {
    const name = key.replace('?', '');
    const item = value[name];
    if (item !== undefined) problems.push(...problemsOf(parseType(type), item, [...path, name], mode));
    else if (name === key) {
      problems.push({ path: [...path, name], code: 'BASE_TYPE_REQUIRED', message: 'This field is required' });
    }
  }
  if (mode.lenient) return problems;
  for (const name of Object.keys(value)) {
    if (value[name] !== undefined && fieldOf(fields, name) === undefined) {
      problems.push({
        path: [...path, name],
        code: 'UNKNOWN_FIELD',
        message: 'is not a field of this object',
      });
    }
  }
  return problems;
}

function listProblems(node: TypeNode & { kind: 'list' }, value: unknown, path: Path, mode: Mode): Problem[] {
  if (!Array.isArray(value)) {
    return [{ path, code: 'LIST_TYPE_CONVERT', message: 'Only iterables may be used in a ListType' }];
  }
  const items: unknown[] = value;
  if (node.unique && new Set(items).size < items.length) {
    return [
      { path, code: 'SET_TYPE_ALREADY_CONTAINS_VALUE', message: 'The set already contains this value' },
    ];
  }
  return [
    ...lengthProblems(items.length, node, path),
    ...items.flatMap((item, index) => problemsOf(node.element, item, [...path, index], mode)),
  ];
}

type Bounds = Pick<TypeNode & { kind: 'scalar' }, 'min' | 'max'>;

function lengthProblems(length: number, { min = 0, max = Infinity }: Bounds, path: Path): Problem[] {
  if (length >= min && length <= max) return [];
  if (min > 0 && max < Infinity) {
    return [{ path, code: 'BASE_TYPE_BAD_LENGTH', message: `Must be between ${min} and ${max} in length.` }];
  }
  return length < min
    ? [{ path, code: 'BASE_TYPE_MIN_LENGTH', message: `Must be ${min} or more in length.` }]
    : [{ path, code: 'BASE_TYPE_MAX_LENGTH', message: `Must be ${max} or fewer in length.` }];
}

function scalarProblems(
  node: TypeNode & { kind: 'scalar' },
  value: unknown,
  path: Path,
  mode: Mode,
): Problem[] {
  const accepts = scalarChecks[node.name];
  const number = mode.lenient && typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  const isNumeric = node.name === 'integer' || node.name === 'number';
  if (!accepts(isNumeric ? number : value)) return [{ path, ...conversion(node.name, value) }];
  // Nobody says how Discord counts an emoji; UTF-16 units, as here, are never fewer than what it may count.
  if (typeof value === 'string' && !isNumeric && node.name !== 'snowflake')
    return lengthProblems(value.length, node, path);
  return isNumeric ? rangeProblems(Number(number), node, path) : [];
}

function rangeProblems(value: number, { min = -Infinity, max = Infinity }: Bounds, path: Path): Problem[] {
  if (value < min) {
    return [
      { path, code: 'NUMBER_TYPE_MIN', message: `int value should be greater than or equal to ${min}.` },
    ];
  }
  return value > max
    ? [{ path, code: 'NUMBER_TYPE_MAX', message: `int value should be less than or equal to ${max}.` }]
    : [];
}

const scalarChecks: Readonly<Record<Scalar, (value: unknown) => boolean>> = {
  any: () => true,
  null: (value) => value === null,
  string: (value) => typeof value === 'string',
  uri: (value) => typeof value === 'string' && (value === '' || URL.canParse(value)),
  'date-time': (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  snowflake: (value) => typeof value === 'string' && /^(0|[1-9]\d{0,19})$/.test(value),
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  boolean: (value) => typeof value === 'boolean',
};

function conversion(name: Scalar, value: unknown): Pick<Problem, 'code' | 'message'> {
  switch (name) {
    case 'string':
      return { code: 'STRING_TYPE_CONVERT', message: 'Could not interpret value as string.' };
    case 'uri':
      return { code: 'URL_TYPE_INVALID_URL', message: 'Not a well formed URL.' };
    case 'date-time':
      return {
        code: 'DATE_TIME_TYPE_PARSE',
        message: `Could not parse ${String(value)}. Should be ISO8601.`,
      };
    case 'boolean':
      return { code: 'BOOLEAN_TYPE_CONVERT', message: 'Must be either true or false.' };
    case 'snowflake':
      return { code: 'NUMBER_TYPE_COERCE', message: `Value "${String(value)}" is not snowflake.` };
    case 'integer':
    case 'number':
      return { code: 'NUMBER_TYPE_COERCE', message: `Value "${String(value)}" is not int.` };
    case 'any':
    case 'null':
      return { code: 'BASE_TYPE_REQUIRED', message: 'This field is required' };
  }
}

function choices(values: readonly unknown[], path: Path): Problem {
  return { path, code: 'BASE_TYPE_CHOICES', message: `Value must be one of {${values.join(', ')}}.` };
}

function notAnObject(path: Path): Problem {
  return { path, code: 'DICT_TYPE_CONVERT', message: 'Only dictionaries may be used in a DictType' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
