#!/usr/bin/env node
/**
 * Bundles `src/main.ts` into `dist/`. Files that `main.ts` imports lazily become chunks of their own,
 * so that a platform that isn't used costs nothing. The bundle finds `drizzle/` beside `dist/`.
 *
 * Chunks carry a hash of their content and `main.js` is put in place last, in one step: a process that
 * starts during a build sees the old program or the new one, whole.
 */
import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outdir = join(root, 'dist');

/**
 * Packages that must stay files on disk. pino and PGlite load workers or WebAssembly of their own by path; grammY's
 * HTTP client tells an abort signal by the name of its class, which bundling changes, so that every call would fail.
 */
const external = ['pino', '@electric-sql/pglite', 'grammy'];

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  external,
  logLevel: 'warning',
  write: false,
  // CommonJS packages inside the bundle call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
};

const startedAt = new Date();
const results = await Promise.all([
  build({ ...common, entryPoints: ['src/main.ts'], outdir, splitting: true }),
  build({ ...common, entryPoints: ['src/store/pglite-worker.mjs'], outdir, outExtension: { '.js': '.mjs' } }),
]);

const files = results.flatMap((result) => result.outputFiles).toSorted((a, b) => rank(a) - rank(b));
await mkdir(outdir, { recursive: true });
for (const file of files) {
  const unfinished = `${file.path}.${process.pid}.tmp`;
  await writeFile(unfinished, file.contents);
  // A source that changes while this build runs must count as newer than it.
  await utimes(unfinished, startedAt, startedAt);
  await rename(unfinished, file.path);
}

const current = new Set(files.map((file) => basename(file.path)));
for (const name of await readdir(outdir)) {
  if (!current.has(name) && !name.endsWith('.tmp'))
    await rm(join(outdir, name), { recursive: true, force: true });
}

function rank(file) {
  return basename(file.path) === 'main.js' ? 1 : 0;
}
