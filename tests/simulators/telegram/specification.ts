import { readFileSync } from 'node:fs';

/** Fields of one type: name (with `?` when optional) to type expression. */
type Fields = Readonly<Record<string, string>>;

interface Specification {
  readonly methods: Readonly<Record<string, { readonly returns: string; readonly params: Fields }>>;
  /** An object type's fields, or the names of the subtypes of a union. */
  readonly types: Readonly<Record<string, Fields | readonly string[]>>;
}

const specification = JSON.parse(
  readFileSync(new URL('../../fixtures/telegram/bot-api.json', import.meta.url), 'utf8'),
) as Specification;

const canonicalNames = new Map(Object.keys(specification.methods).map((name) => [name.toLowerCase(), name]));

/** The method's name as documented, whatever its case; `undefined` when the simulator does not know it. */
export function canonicalMethod(name: string): string | undefined {
  return canonicalNames.get(name.toLowerCase());
}

/** The type expressions a parameter accepts, or `undefined` when the method has no such parameter. */
export function parameterType(method: string, parameter: string): string | undefined {
  const fields = specification.methods[method]?.params;
  return fields?.[parameter] ?? fields?.[`${parameter}?`];
}

/** Names of the parameters a method cannot do without. */
export function requiredParameters(method: string): string[] {
  return Object.keys(specification.methods[method]?.params ?? {}).filter((name) => !name.endsWith('?'));
}

/** Every way the result of `method` departs from the Bot API's description; empty when it is valid. */
export function resultViolations(method: string, result: unknown): string[] {
  const returns = specification.methods[method]?.returns;
  return returns === undefined ? [`unknown method ${method}`] : violations(returns, result, method);
}

/**
 * Every way `value` departs from a type expression of the Bot API's description (`Integer|String`, `Array of Update`, `=private`);
 * empty when it is valid. Unknown and missing fields are both violations.
 */
export function violations(type: string, value: unknown, path = type): string[] {
  const alternatives = type.split('|');
  let shortest: string[] | undefined;
  for (const alternative of alternatives) {
    const found = singleViolations(alternative, value, path);
    if (found.length === 0) return [];
    if (shortest === undefined || found.length < shortest.length) shortest = found;
  }
  return shortest ?? [];
}

function singleViolations(type: string, value: unknown, path: string): string[] {
  if (type.startsWith('Array of ')) {
    if (!Array.isArray(value)) return [`${path} is not an array`];
    const element = type.slice('Array of '.length);
    return value.flatMap((item: unknown, index) => violations(element, item, `${path}[${index}]`));
  }
  if (type.startsWith('=')) return value === type.slice(1) ? [] : [`${path} is not ${type.slice(1)}`];
  const scalar = scalarChecks[type];
  if (scalar !== undefined) return scalar(value) ? [] : [`${path} is not ${type}`];
  const shape = specification.types[type];
  if (shape === undefined) return [`${path} has the unknown type ${type}`];
  if (isUnion(shape)) return violations(shape.join('|'), value, path);
  return fieldViolations(shape, value, path);
}

const scalarChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  Integer: (value) => Number.isSafeInteger(value),
  Float: (value) => typeof value === 'number' && Number.isFinite(value),
  String: (value) => typeof value === 'string',
  InputFile: (value) => typeof value === 'string',
  Boolean: (value) => typeof value === 'boolean',
};

function isUnion(shape: Fields | readonly string[]): shape is readonly string[] {
  return Array.isArray(shape);
}

function fieldViolations(fields: Fields, value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [`${path} is not an object`];
  const found: string[] = [];
  for (const [name, item] of Object.entries(value)) {
    const type = fields[name] ?? fields[`${name}?`];
    if (type === undefined) found.push(`${path}.${name} is unknown`);
    else if (item !== undefined) found.push(...violations(type, item, `${path}.${name}`));
  }
  for (const name of Object.keys(fields)) {
    if (!name.endsWith('?') && (value as Record<string, unknown>)[name] === undefined) {
      found.push(`${path}.${name} is missing`);
    }
  }
  return found;
}
