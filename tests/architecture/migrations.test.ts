import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Journal {
  readonly entries: readonly { readonly idx: number; readonly when: number; readonly tag: string }[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'drizzle');
const { entries } = JSON.parse(readFileSync(join(folder, 'meta/_journal.json'), 'utf8')) as Journal;

it('lists migrations whose times strictly increase, because an older one is never applied', () => {
  const times = entries.map((entry) => entry.when);
  expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  expect(times.length).toBeGreaterThan(0);
});

it('lists every migration file in order, and no other', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  expect(entries.map((entry) => `${entry.tag}.sql`)).toEqual(files.toSorted());
  expect(entries.map((entry) => entry.idx)).toEqual(entries.map((_, index) => index));
});

it('holds a migration for every change of the schema', () => {
  const copy = mkdtempSync(join(tmpdir(), 'parley-migrations-'));
  try {
    cpSync(folder, copy, { recursive: true });
    const { schema } = /schema: '(?<schema>[^']+)'/.exec(
      readFileSync(join(root, 'drizzle.config.ts'), 'utf8'),
    )!.groups as { schema: string };
    const args = ['generate', '--dialect', 'postgresql', '--schema', schema, '--out', relative(root, copy)];
    const answer = execFileSync(join(root, 'node_modules/.bin/drizzle-kit'), args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // A rename makes it ask a question and end without a file, so that the files alone prove nothing.
    expect(answer).toContain('No schema changes');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
