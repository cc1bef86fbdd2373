import { readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyProject, linkPackages, type ProjectCopy } from './project-copy.ts';

const WORKER = `import { parentPort } from 'node:worker_threads'; parentPort.postMessage('from the worker');`;

const MAIN = `
import { Worker } from 'node:worker_threads';
import { sep } from 'node:path';
const { place } = await import('./lazy.ts');
const worker = new Worker(new URL('./pglite-worker.mjs', place));
worker.once('message', (word: string) => console.log(VERSION, word, place.includes('/dist/') ? 'bundled' : 'source'));
const VERSION: string = 'first';
`;

let project: ProjectCopy;
beforeEach(() => {
  project = copyProject();
  project.write('src/main.ts', MAIN);
  project.write('src/lazy.ts', `export const place: string = import.meta.url;`);
  project.write('src/store/pglite-worker.mjs', WORKER);
});
afterEach(() => project.remove());

const start = () => project.start(process.execPath, ['bin/start.mjs']).ended;
const files = () => readdirSync(join(project.folder, 'dist')).toSorted();

/** Dates everything back, so that only what a test touches later is newer than the bundle. */
function age(seconds: number, ...paths: readonly string[]): void {
  const when = Date.now() / 1000 - seconds;
  for (const path of paths) utimesSync(join(project.folder, path), when, when);
}
const SOURCES = ['src', 'src/main.ts', 'src/lazy.ts', 'src/store', 'src/store/pglite-worker.mjs'];

describe('the first start', () => {
  it('bundles the sources, with lazy parts and the worker as files of their own, and runs the bundle', async () => {
    linkPackages(project);
    expect(await start()).toMatchObject({ code: 0, stdout: 'first from the worker bundled\n', stderr: '' });
    expect(files()).toEqual([
      expect.stringMatching(/^lazy-\w+\.js$/),
      expect.stringMatching(/^lazy-\w+\.js\.map$/),
      'main.js',
      'main.js.map',
      'pglite-worker.mjs',
      'pglite-worker.mjs.map',
    ]);
  });

  it('runs the sources themselves where no bundler is installed', async () => {
    project.write('src/main.ts', `console.log('from the sources' as string);`);
    expect(await start()).toMatchObject({ code: 0, stdout: 'from the sources\n' });
  });

  it('runs the sources themselves when they cannot be bundled', async () => {
    linkPackages(project);
    rmSync(join(project.folder, 'src/store/pglite-worker.mjs'));
    project.write('src/main.ts', `console.log('from the sources' as string);`);
    expect(await start()).toMatchObject({
      code: 0,
      stdout: 'from the sources\n',
      stderr: expect.stringContaining('Bundling failed'),
    });
  });
});

describe('a later start', () => {
  beforeEach(() => {
    project.write('dist/main.js', `console.log('the old bundle');`);
    age(50, 'dist/main.js');
    age(100, ...SOURCES, 'bin/build.mjs', 'package.json');
  });

  it('runs the bundle as it is while no source is newer', async () => {
    linkPackages(project);
    expect(await start()).toMatchObject({ code: 0, stdout: 'the old bundle\n' });
  });

  it('bundles again when a source is newer, and removes what the old bundle left', async () => {
    linkPackages(project);
    project.write('dist/lazy-OLD.js', '');
    age(10, 'src/lazy.ts');
    expect(await start()).toMatchObject({ code: 0, stdout: 'first from the worker bundled\n' });
    expect(files()).not.toContain('lazy-OLD.js');
  });

  it('bundles again when a source was deleted', async () => {
    linkPackages(project);
    age(10, 'src/store');
    expect(await start()).toMatchObject({ code: 0, stdout: 'first from the worker bundled\n' });
  });

  it('never runs an outdated bundle: without a bundler it runs the sources', async () => {
    project.write('src/main.ts', `console.log('from the sources' as string);`);
    expect(await start()).toMatchObject({ code: 0, stdout: 'from the sources\n' });
  });

  it('runs the bundle where the sources were not shipped', async () => {
    rmSync(join(project.folder, 'src'), { recursive: true });
    age(0, 'package.json');
    expect(await start()).toMatchObject({ code: 0, stdout: 'the old bundle\n' });
  });
});
