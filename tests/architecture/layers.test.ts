import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { layers } from './layers.ts';
import { findViolations } from './violations.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the sources', () => {
  const { files, violations } = findViolations(root);

  it('keep to the layers', () => {
    expect(violations).toEqual([]);
  });

  it('were all seen', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(files).toEqual(expect.arrayContaining(['config.ts', 'platform/ids.ts', 'conversation/ports.ts']));
  });
});

it('has an allow-list that names only layers that exist in it', () => {
  const named = Object.values(layers).flatMap((layer) => Object.keys(layer.mayImport));
  expect(named.filter((name) => !(name in layers))).toEqual([]);
});

const folder = mkdtempSync(join(tmpdir(), 'parley-layers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let copies = 0;

/** What the rules say about a small valid tree with some files added or replaced. */
function judge(changes: Record<string, string>): readonly string[] {
  const copy = join(folder, String((copies += 1)));
  const files = {
    'app.ts': `import { answer } from './conversation/engine.ts'; answer();`,
    'config.ts': `export const token = process.env['TOKEN'];`,
    'platform/ids.ts': `export type UserId = string; export const platforms = ['discord', 'telegram'];`,
    'limits/quota.ts': `export const limit = 1; export type Limit = number;`,
    'conversation/engine.ts': `import type { UserId } from '../platform/ids.ts'; export const answer = (who?: UserId) => who;`,
    'store/turns.ts': `export const save = (sql: { begin(): void }) => sql.begin();`,
    'adapters/discord/client.ts': `export const client = 1;`,
    'adapters/telegram/client.ts': `export const client = 1;`,
    ...changes,
  };
  for (const [path, code] of Object.entries(files)) {
    mkdirSync(dirname(join(copy, 'src', path)), { recursive: true });
    writeFileSync(join(copy, 'src', path), code);
  }
  return findViolations(copy).violations;
}

it('finds nothing wrong with a tree that keeps to the rules', () => {
  expect(judge({})).toEqual([]);
});

const engine = 'conversation/engine.ts';

describe('a violation is found', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a folder nobody owns', { 'widgets/one.ts': '' }, 'widgets/one.ts belongs to no layer'],
    ['a file directly in src nobody owns', { 'stray.ts': '' }, 'stray.ts belongs to no layer'],
    ['a file directly in adapters', { 'adapters/both.ts': '' }, 'adapters/both.ts belongs to no layer'],
    ['an adapter that is not in the table', { 'adapters/irc/client.ts': '' }, 'belongs to no layer'],
    ['a name that says nothing', { 'limits/utils.ts': '' }, 'the name "utils" says nothing'],
    ['a folder name that says nothing', { 'limits/common/one.ts': '' }, 'the name "common" says nothing'],
    ['a barrel', { 'limits/index.ts': '' }, 'the name "index" says nothing'],
    ['a name in camel case', { 'limits/perUser.ts': '' }, 'is not in kebab case'],
    ['a file of more than 400 lines', { 'limits/long.ts': '//\n'.repeat(401) }, 'has 401 lines'],
    [
      'an import from a layer above',
      { [engine]: `import '../store/turns.ts';` },
      'may not import store/turns.ts',
    ],
    [
      'a type import from a layer above',
      { [engine]: `import type {} from '../store/turns.ts';` },
      'may not import',
    ],
    [
      'an inline type from a layer above',
      { [engine]: `let x: import('../store/turns.ts').X;` },
      'may not import',
    ],
    ['a re-export from a layer above', { [engine]: `export * from '../store/turns.ts';` }, 'may not import'],
    [
      'a lazy import from a layer above',
      { [engine]: `await import('../store/turns.ts');` },
      'may not import',
    ],
    ['a computed import', { [engine]: `const x = 'a'; await import(x);` }, 'imports a computed path'],
    [
      'a value where only types are shared',
      { [engine]: `import { limit } from '../limits/quota.ts';` },
      'only types',
    ],
    [
      'a value beside a type',
      { [engine]: `import { limit, type Limit } from '../limits/quota.ts';` },
      'only types',
    ],
    ['a root file imported from below', { [engine]: `import '../config.ts';` }, 'may not import config.ts'],
    [
      'an adapter that imports another one',
      { 'adapters/discord/client.ts': `import '../telegram/client.ts';` },
      'adapters/discord may not import adapters/telegram/client.ts',
    ],
    [
      'an adapter that imports the engine',
      { 'adapters/discord/client.ts': `import type {} from '../../conversation/engine.ts';` },
      'may not import conversation/engine.ts',
    ],
    ['a file that does not exist', { [engine]: `import './missing.ts';` }, 'does not exist'],
    ['a file outside src', { [engine]: `import '../../tests/one.ts';` }, 'outside src'],
    ["another layer's package", { [engine]: `import OpenAI from 'openai';` }, 'imports openai'],
    [
      "a part of another layer's package",
      { [engine]: `import {} from 'drizzle-orm/pg-core';` },
      'imports drizzle-orm',
    ],
    ["the type of another layer's package", { [engine]: `import type {} from 'grammy';` }, 'imports grammy'],
    ['a package nobody owns', { [engine]: `import 'left-pad';` }, 'imports left-pad, which no layer owns'],
    [
      'a scoped package nobody owns',
      { [engine]: `import '@some/pad/deep';` },
      'imports @some/pad, which no layer',
    ],
    ["one of Node's modules without prefix", { [engine]: `import 'path';` }, 'without its node: prefix'],
    [
      'a file system where there should be none',
      { [engine]: `import 'node:fs/promises';` },
      'may not reach outside',
    ],
    [
      'the process under another name',
      { [engine]: `import { env } from 'node:process';` },
      'imports node:process',
    ],
    ['require', { [engine]: `require('openai');` }, 'calls require'],
    [
      'the environment read elsewhere',
      { [engine]: `export const x = process.env['X'];` },
      'uses process.env',
    ],
    [
      'the environment behind a quoted name',
      { [engine]: `export const x = process['env'];` },
      'uses process.env',
    ],
    ['the process ended elsewhere', { [engine]: `process.exit(1);` }, 'uses process.exit'],
    ['the console', { [engine]: `console.log('x');` }, 'writes to the console'],
    [
      'a transaction outside the store',
      { [engine]: `sql.begin(() => {});` },
      'opens a transaction with sql.begin',
    ],
    ['a transaction on a chain', { [engine]: `open().db.transaction(f);` }, 'opens a transaction'],
    ['a platform named in the engine', { [engine]: `export const x = 'discord';` }, 'names a platform'],
    ['a platform named in a type', { [engine]: `export type X = 'telegram';` }, 'names a platform'],
    [
      'a platform named in a template',
      { [engine]: 'export const x = `a Telegram ${1}`;' },
      'names a platform',
    ],
    [
      'two files that import each other',
      { 'limits/a.ts': `import './b.ts';`, 'limits/b.ts': `import type {} from './a.ts';` },
      'limits/a.ts → limits/b.ts → limits/a.ts is a circle',
    ],
    ['a file that imports itself', { 'limits/a.ts': `import './a.ts';` }, 'is a circle'],
  ])('when there is %s', (_, changes, expected) => {
    expect(judge(changes)).toEqual([expect.stringContaining(expected)]);
  });

  it('when it is added to the real sources', () => {
    const copy = join(folder, 'real');
    cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true });
    writeFileSync(join(copy, 'src/conversation/leak.ts'), `import 'openai';`);
    const before = findViolations(root).violations;
    expect(findViolations(copy).violations.filter((violation) => !before.includes(violation))).toEqual([
      'conversation/leak.ts imports openai, which completion own',
    ]);
  });
});

it('lets a port share the values that are part of it', () => {
  const store = `import { Unavailable } from '../conversation/ports.ts'; export const failure = new Unavailable();`;
  expect(
    judge({
      'conversation/ports.ts': `export class Unavailable extends Error {}`,
      'store/failure.ts': store,
    }),
  ).toEqual([]);
});

it('does not mistake comments and texts for imports', () => {
  expect(
    judge({ [engine]: `// import '../store/turns.ts'\nexport const x = "import '../store/turns.ts'";` }),
  ).toEqual([]);
});
