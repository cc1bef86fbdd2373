/**
 * Prints "N passed, N failed" from vitest's JSON report and the number of other steps that failed.
 * Usage: node count.mjs <report> <failed steps>. Exits with 1 when anything failed or nothing ran.
 */
import { existsSync, readFileSync } from 'node:fs';

const [report = '', failedSteps = '0'] = process.argv.slice(2);
const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null;

const passed = result?.numPassedTests ?? 0;
const skipped = (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
const failedTests = result?.numFailedTests ?? 0;
// A test file that can't even be loaded fails without a failed test of its own.
const failedFiles = (result?.testResults ?? []).filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
).length;
// The step that runs the tests fails with them, and is not counted once more.
const known = failedTests + failedFiles;
const failed = known + Math.max(0, Number(failedSteps) - (known > 0 ? 1 : 0));

process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
