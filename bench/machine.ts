import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { sum } from './figures.ts';

/** What Linux tells of processes: proc(5). */

const TICK_MS = 10;

/** User and system time of all threads of a process so far, in milliseconds; counted in 1/100 s. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name before the last parenthesis may hold blanks; utime and stime are the fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Memory of a process that is in RAM now, and at most so far. */
export async function memoryOf(pid: number): Promise<{ residentBytes: number; highestBytes: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { residentBytes: bytes('VmRSS'), highestBytes: bytes('VmHWM') };
}

/** A clock that all processes of the machine share; V8's profiles are on it as well. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Time that all processors together have been busy so far, with whatever it was. */
export function busyMs(): number {
  return sum(cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq));
}

/** Cores that are in use now, on average over half a second. */
export async function busyCores(): Promise<number> {
  const [fromMs, before] = [monotonicMs(), busyMs()];
  await sleep(500);
  return (busyMs() - before) / (monotonicMs() - fromMs);
}
