import { symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyProject, type ProjectCopy } from './project-copy.ts';

const ECHO = `
process.stdout.write('args ' + process.argv.slice(2).join(' ') + '\\n');
for await (const chunk of process.stdin) process.stdout.write('heard ' + chunk);
process.exitCode = 7;
`;

const DRAIN = `
process.on('SIGTERM', () => { process.stdout.write('drained\\n'); process.exit(5); });
setInterval(() => {}, 1000);
process.stdout.write('ready in ' + process.pid + '\\n');
`;

const WAIT = `
setInterval(() => {}, 1000);
process.stdout.write('ready\\n');
`;

/** Makes the first process of a test believe that it is Node 20; those that it starts are what they are. */
const PRETEND_NODE_20 = `data:text/javascript,${encodeURIComponent(`
if (process.env.PRETENDED === undefined) {
  process.env.PRETENDED = 'yes';
  Object.defineProperty(process.versions, 'node', { value: '20.20.2' });
}
`)}`;

let project: ProjectCopy;
beforeEach(() => {
  project = copyProject();
});
afterEach(() => project.remove());

const start = (args: readonly string[] = [], environment: Record<string, string> = {}) =>
  project.start(process.execPath, ['bin/start.mjs', ...args], environment);

const startOnNode20 = (args: readonly string[] = [], environment: Record<string, string> = {}) =>
  project.start(process.execPath, ['--import', PRETEND_NODE_20, 'bin/start.mjs', ...args], environment);

async function installNode(): Promise<void> {
  await mkdir(join(project.folder, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(process.execPath, join(project.folder, 'node_modules', '.bin', 'node'));
}

describe('on a Node that is new enough', () => {
  it('hands arguments, piped input and the exit code through', async () => {
    project.write('dist/main.js', ECHO);
    const launcher = start(['--one', 'two']);
    launcher.stdin.end('hello\n');
    expect(await launcher.ended).toMatchObject({
      code: 7,
      stdout: 'args --one two\nheard hello\n',
      stderr: '',
    });
  });

  it('runs the program in its own process, which receives the termination signal', async () => {
    project.write('dist/main.js', DRAIN);
    const launcher = start();
    await launcher.untilPrinted(`ready in ${launcher.process.pid}\n`);
    launcher.process.kill('SIGTERM');
    expect(await launcher.ended).toMatchObject({ code: 5, stdout: expect.stringContaining('drained') });
  });

  it('reads .env from the current directory, and variables that are set win', async () => {
    project.write('.env', 'FROM_FILE=file\nFROM_BOTH=file\n');
    project.write('dist/main.js', `console.log(process.env.FROM_FILE, process.env.FROM_BOTH)`);
    expect(await start([], { FROM_BOTH: 'environment' }).ended).toMatchObject({
      code: 0,
      stdout: 'file environment\n',
    });
  });
});

describe('on an older Node', () => {
  it('runs the Node that npm installed, with arguments, piped input and the exit code', async () => {
    await installNode();
    project.write('dist/main.js', ECHO);
    const launcher = startOnNode20(['--one', 'two']);
    launcher.stdin.end('hello\n');
    expect(await launcher.ended).toMatchObject({
      code: 7,
      stdout: 'args --one two\nheard hello\n',
      stderr: '',
    });
  });

  it('passes the termination signal on and waits for the program to drain', async () => {
    await installNode();
    project.write('dist/main.js', DRAIN);
    const launcher = startOnNode20();
    await launcher.untilPrinted('ready');
    launcher.process.kill('SIGTERM');
    expect(await launcher.ended).toMatchObject({ code: 5, stdout: expect.stringContaining('drained') });
  });

  it('passes an interrupt on where no terminal does, and ends by the signal that ended the program', async () => {
    await installNode();
    project.write('dist/main.js', WAIT);
    const launcher = startOnNode20();
    await launcher.untilPrinted('ready');
    launcher.process.kill('SIGINT');
    expect(await launcher.ended).toMatchObject({ code: null, signal: 'SIGINT' });
  });

  it('fetches a Node with npx where none is installed', async () => {
    project.write('fetcher/npx', `#!/bin/sh\necho "$*" > asked\necho '${process.execPath}'\n`);
    project.write(
      'dist/main.js',
      `import { readFileSync } from 'node:fs'; console.log(readFileSync('asked', 'utf8'))`,
    );
    expect(await startOnNode20([], { PATH: `${project.folder}/fetcher` }).ended).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('-y node@24'),
    });
  });

  it('says what is needed and fails when no newer Node can be had', async () => {
    project.write('fetcher/npx', '#!/bin/sh\nexit 1\n');
    project.write('dist/main.js', ECHO);
    expect(await startOnNode20([], { PATH: `${project.folder}/fetcher` }).ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('needs Node 22.18 or newer'),
    });
  });
});

it('lets npm start pass the termination signal and the exit code through', async () => {
  await installNode();
  project.write('dist/main.js', DRAIN);
  const npm = project.start('npm', ['start']);
  await npm.untilPrinted('ready');
  npm.process.kill('SIGTERM');
  expect(await npm.ended).toMatchObject({ code: 5, stdout: expect.stringContaining('drained') });
});

it('lets npm start pass piped input to the program', async () => {
  await installNode();
  project.write('dist/main.js', ECHO);
  const npm = project.start('npm', ['start']);
  npm.stdin.end('hello\n');
  expect((await npm.ended).stdout).toContain('heard hello');
});
