import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { copyProject, projectRoot, type ProjectCopy } from './project-copy.ts';

let project: ProjectCopy;
beforeEach(() => {
  project = copyProject();
});
afterEach(() => project.remove());

const count = (failedSteps: number) =>
  project.start(process.execPath, [
    join(projectRoot, '.ci/count.mjs'),
    join(project.folder, 'report.json'),
    String(failedSteps),
  ]).ended;

const report = (totals: object, files: readonly object[] = []) =>
  project.write('report.json', JSON.stringify({ ...totals, testResults: files }));

const file = (status: string, ...tests: readonly string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

it('counts passed tests and succeeds', async () => {
  report({ numPassedTests: 3, numFailedTests: 0 }, [file('passed', 'passed', 'passed', 'passed')]);
  expect(await count(0)).toMatchObject({ code: 0, stdout: '3 passed, 0 failed\n' });
});

it('tells skipped tests', async () => {
  report({ numPassedTests: 3, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1 });
  expect(await count(0)).toMatchObject({ code: 0, stdout: '3 passed, 0 failed, 3 skipped\n' });
});

it('counts failed tests once, not again for the step that ran them', async () => {
  report({ numPassedTests: 1, numFailedTests: 2 }, [file('failed', 'passed', 'failed', 'failed')]);
  expect(await count(1)).toMatchObject({ code: 1, stdout: '1 passed, 2 failed\n' });
});

it('counts a test file that could not be loaded', async () => {
  report({ numPassedTests: 1, numFailedTests: 0 }, [file('passed', 'passed'), file('failed')]);
  expect(await count(1)).toMatchObject({ code: 1, stdout: '1 passed, 1 failed\n' });
});

it('counts a step that fails beside the tests', async () => {
  report({ numPassedTests: 4, numFailedTests: 0 }, [file('passed', 'passed')]);
  expect(await count(1)).toMatchObject({ code: 1, stdout: '4 passed, 1 failed\n' });
});

it('fails when no test was run at all', async () => {
  expect(await count(1)).toMatchObject({ code: 1, stdout: '0 passed, 1 failed\n' });
  expect(await count(0)).toMatchObject({ code: 1, stdout: '0 passed, 0 failed\n' });
});
