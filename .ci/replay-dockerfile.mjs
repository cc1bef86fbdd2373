/**
 * Replays the Dockerfile's own steps in empty folders, without an engine and never as root: each stage
 * gets a folder that stands for its file system, RUN and CMD are run with the paths inside it, and the
 * program must come to pass the Dockerfile's own HEALTHCHECK and then stop when it is told to.
 * Differs from a real build in that Debian's tools are this machine's, and USER is one user throughout.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  lchownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const NOBODY = 65_534;
const HEALTHY_WITHIN_MS = 120_000;
const STOPPED_WITHIN_MS = 30_000;

/** How this machine reaches the network, which an engine would also hand to a build. */
const NETWORK = /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR)$/i;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const instructions = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
const work = mkdtempSync(join(tmpdir(), 'parley-image-'));

async function main() {
  try {
    const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
    prepareTools();
    prepareContext();
    mkdirSync(join(work, 'home'));
    leaveRoot();
    const image = build(registry);
    await runProgram(image);
    say('the container starts, is healthy and stops');
  } catch (error) {
    say(`failed: ${error.message}`);
    process.exitCode = 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** This Node and npm, copied to where any user may run them. */
function prepareTools() {
  const npm = dirname(dirname(realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())));
  const bin = join(work, 'tools', 'bin');
  mkdirSync(bin, { recursive: true });
  cpSync(process.execPath, join(bin, 'node'), { dereference: true });
  cpSync(npm, join(work, 'tools', 'npm'), { recursive: true });
  for (const name of ['npm', 'npx']) symlinkSync(`../npm/bin/${name}-cli.js`, join(bin, name));
}

/** What the engine would be sent: .dockerignore lists the only files that are let through. */
function prepareContext() {
  const [everything, ...admitted] = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (everything !== '*' || admitted.some((line) => !line.startsWith('!'))) {
    throw new Error('.dockerignore must forbid everything and then name what is let through');
  }
  for (const path of admitted.map((line) => line.slice(1))) {
    cpSync(join(root, path), join(work, 'context', path), { recursive: true });
  }
}

function leaveRoot() {
  process.chdir(work);
  if (process.getuid() !== 0) return;
  for (const path of ['.', ...readdirSync('.', { recursive: true })]) lchownSync(path, NOBODY, NOBODY);
  process.setgroups([]);
  process.setgid(NOBODY);
  process.setuid(NOBODY);
}

function parseDockerfile(text) {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line.trim());
      return { name, rest };
    });
}

/** Follows every instruction; returns the last stage. */
function build(registry) {
  const stages = [];
  for (const { name, rest } of instructions) {
    say(`${name} ${rest}`);
    const follow = steps[name];
    if (follow === undefined) throw new Error(`${name} is not known here`);
    follow(rest, stages, registry);
  }
  return stages.at(-1);
}

const steps = {
  FROM(rest, stages, registry) {
    const [, major, name = 'final'] = /^node:(\d+)\S*(?:\s+AS\s+(\S+))?$/.exec(rest) ?? [];
    if (major !== process.versions.node.split('.')[0])
      throw new Error(`${rest} is not the Node that runs here`);
    const files = join(work, 'stages', name);
    mkdirSync(files, { recursive: true });
    const env = {
      ...Object.fromEntries(Object.entries(process.env).filter(([variable]) => NETWORK.test(variable))),
      PATH: `${join(work, 'tools', 'bin')}:/usr/local/bin:/usr/bin:/bin`,
      HOME: join(work, 'home'),
      npm_config_cache: join(work, 'home', 'npm'),
      npm_config_registry: registry,
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
    };
    stages.push({ name, files, folder: files, env, health: null, command: null });
  },
  ENV(rest, stages) {
    const stage = stages.at(-1);
    for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[name] = inside(stage, value);
  },
  WORKDIR(rest, stages) {
    const stage = stages.at(-1);
    stage.folder = join(stage.files, rest);
    mkdirSync(stage.folder, { recursive: true });
  },
  COPY(rest, stages) {
    const stage = stages.at(-1);
    const [, from, paths] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest);
    const origin =
      from === undefined ? join(work, 'context') : stages.find(({ name }) => name === from).files;
    const sources = paths.split(/\s+/);
    const target = sources.pop();
    for (const source of sources.map((path) => join(origin, path))) {
      const intoFolder = target.endsWith('/') && !statSync(source).isDirectory();
      const place = resolve(stage.folder, target, intoFolder ? basename(source) : '');
      cpSync(source, place, { recursive: true, verbatimSymlinks: true });
    }
  },
  RUN(rest, stages) {
    const stage = stages.at(-1);
    const own = inside(stage, rest).replaceAll(/\bnode:node\b/g, `${process.getuid()}:${process.getgid()}`);
    const { status } = spawnSync('/bin/sh', ['-ec', own], {
      cwd: stage.folder,
      env: stage.env,
      stdio: ['ignore', 1, 2],
    });
    if (status !== 0) throw new Error(`RUN ${rest} ended with ${status}`);
  },
  HEALTHCHECK(rest, stages) {
    stages.at(-1).health = JSON.parse(/CMD\s+(\[.*\])$/.exec(rest)[1]);
  },
  CMD(rest, stages) {
    stages.at(-1).command = JSON.parse(rest);
  },
  VOLUME(rest, stages) {
    if (!statSync(join(stages.at(-1).files, rest)).isDirectory()) throw new Error(`${rest} is not a folder`);
  },
  USER() {},
  EXPOSE() {},
};

/** Turns the absolute paths that a stage made, such as /app, into those of the folder that stands for it. */
function inside(stage, text) {
  const known = new Set(
    instructions
      .filter(({ name }) => name === 'WORKDIR' || name === 'VOLUME')
      .map(({ rest }) => rest.split('/')[1]),
  );
  return text.replaceAll(/(?<=^|[\s="'])\/([\w.-]+)/g, (path, first) =>
    known.has(first) ? join(stage.files, first) : path,
  );
}

async function runProgram(image) {
  const env = { ...image.env, HTTP_PORT: String(await freePort()) };
  const [command, ...args] = image.command;
  // An open standard input, as a container with -i has: with no account to use, the program chats there.
  const program = spawn(command, args, { cwd: image.folder, env, stdio: ['pipe', 1, 2] });
  const ended = new Promise((resolve_) => program.on('exit', (code, signal) => resolve_(signal ?? code)));
  program.on('error', (error) => say(error.message));
  try {
    await untilHealthy(image, env, program);
    program.kill('SIGTERM');
    const outcome = await Promise.race([ended, sleep(STOPPED_WITHIN_MS, 'nothing in time', { ref: false })]);
    if (outcome !== 0) throw new Error(`after SIGTERM the program ended with ${outcome}`);
  } finally {
    program.kill('SIGKILL');
  }
}

async function untilHealthy(image, env, program) {
  const [command, ...args] = image.health;
  const deadline = Date.now() + HEALTHY_WITHIN_MS;
  while (spawnSync(command, args, { cwd: image.folder, env }).status !== 0) {
    if (program.exitCode !== null) throw new Error(`the program ended by itself with ${program.exitCode}`);
    if (Date.now() > deadline) throw new Error('the program never became healthy');
    await sleep(500);
  }
}

function freePort() {
  return new Promise((resolve_) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve_(port));
    });
  });
}

function say(text) {
  process.stdout.write(`[image] ${text}\n`);
}

await main();
