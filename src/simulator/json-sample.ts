type Schema = Readonly<Record<string, unknown>>;

/** A small value that fits the schema: the common keywords of structured outputs (`enum`, `const`, `properties`, `items`, `anyOf`, bounds). */
export function jsonFor(schema: Schema): unknown {
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  const [choice] = [schema['anyOf'] ?? schema['oneOf'] ?? []].flat();
  if (isSchema(choice)) return jsonFor(choice);
  const [type = 'object']: unknown[] = [schema['type'] ?? []].flat();
  switch (type) {
    case 'string':
      return 'simulated'.padEnd(Number(schema['minLength'] ?? 0), '.');
    case 'integer':
    case 'number':
      return Number(schema['minimum'] ?? 1);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return sampleArray(schema);
    default:
      return sampleObject(schema);
  }
}

function sampleArray({ items, minItems }: Schema): unknown[] {
  const item: unknown = isSchema(items) ? jsonFor(items) : 'simulated';
  return Array.from({ length: Math.max(1, Number(minItems ?? 1)) }, () => item);
}

function sampleObject({ properties }: Schema): object {
  if (!isSchema(properties)) return {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [
      name,
      isSchema(property) ? jsonFor(property) : null,
    ]),
  );
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
