import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readConfig, settingNames } from '../../src/config.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const example = read('.env.example');

/** `NAME=value`, also where a leading `#` keeps the default in force. */
const documented = [...example.matchAll(/^(?:# ?)?([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1] ?? '');

/** Variables that compose.yaml itself replaces; the program never sees them. */
const forCompose = [
  ...new Set([...read('compose.yaml').matchAll(/\$\{(\w+)/g)].map((match) => match[1] ?? '')),
];

describe('.env.example', () => {
  it('documents every setting once, and nothing else', () => {
    expect(documented.toSorted()).toEqual([...settingNames, ...forCompose].toSorted());
  });

  it('is a valid configuration as it stands, without a warning', () => {
    const values = parseEnv(example) as Record<string, string>;
    const result = readConfig(values);
    expect(result).toMatchObject({ ok: true, warnings: [] });
  });

  it('holds no secret', () => {
    const filled = Object.entries(parseEnv(example)).filter(([, value]) => value !== '');
    expect(filled.filter(([name]) => /TOKEN$|KEY|SECRET|PASSWORD/.test(name))).toEqual([]);
  });
});
