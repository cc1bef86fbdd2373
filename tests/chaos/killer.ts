import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { WindowContext } from './aiming.ts';
import type { Evidence, TurnRecord } from './evidence.ts';
import type { Outages } from './outage.ts';
import { hostOf, type Fleet, type Life } from './fleet.ts';
import type { SeenCall, Stage } from './stage.ts';
import { WINDOWS, windows, type Aim, type HitCounts, type WindowName } from './windows.ts';
import type { World } from './world.ts';

/** A kill, and what was aimed at. */
interface Kill {
  readonly window: WindowName;
  readonly aim: Aim;
  readonly atMs: number;
  /** Whether the times of records can be compared with the harness's. */
  readonly isClockTrue: boolean;
}

export interface Absence {
  readonly fromMs: number;
  /** `Infinity` while it lasts. */
  toMs: number;
}

/** Brings processes into windows and ends or stops them there. */
export interface Killer {
  readonly kills: number;
  readonly stops: number;
  readonly ends: number;
  /** Windows that did not open. */
  readonly missed: number;
  readonly createsCutOff: Evidence['createsCutOff'];
  /** Kills and stops, in order. */
  readonly log: Evidence['kills'];
  /** When some process was dead or frozen, or not up again. */
  readonly absences: readonly Absence[];
  isInterrupted(question: number): boolean;
  /** Kills one process in the window and starts it anew, and kills that again while it recovers if so told. Resolves when it serves. */
  kill(window: WindowName, isFollowed: boolean, context: WindowContext): Promise<void>;
  /** Stops a process that is writing an answer for so long, and lets it go on. */
  stop(context: WindowContext, forMs: number): Promise<void>;
  /** Asks a process that is writing an answer to end, and starts it anew. */
  end(context: WindowContext): Promise<void>;
  /** How many kills were in the window, as the records at the end tell, of those that were aimed at it. */
  hits(turns: readonly TurnRecord[]): HitCounts;
}

interface KillerParts {
  readonly stage: Stage;
  readonly world: World;
  readonly fleet: Fleet;
  readonly outages: Outages;
}

/** Whether these were hit is told by times that the embedded database takes from its process's clock. */
const BY_RECORDS: ReadonlySet<WindowName> = new Set([
  'before admit',
  'after admit',
  'waiting',
  'before the last edit',
]);

/**
 * An id that came back this short a time before a kill, or before nothing could be stored, may not have been stored: until
 * then its create is under way.
 */
const STORING_MS = 2000;

export function createKiller({ stage, world, fleet, outages }: KillerParts, hasServer: boolean): Killer {
  const kills: Kill[] = [];
  const cutOff: { place: string; question: number | null }[] = [];
  const creates = watchCreates(stage, outages, (create) => cutOff.push(create));
  let interrupted = new Set<number>();
  const log: { atMs: number; window: string }[] = [];
  const absences: Absence[] = [];
  const leave = (): (() => void) => {
    const absence = { fromMs: Date.now(), toMs: Infinity };
    absences.push(absence);
    return () => void (absence.toMs = Date.now());
  };
  let stops = 0;
  let ends = 0;
  let missed = 0;

  const victimOf = ({ whom }: Aim): Life | undefined =>
    fleet.lives.find((life) =>
      'asker' in whom ? life.name === whom.asker : whom.host.startsWith(hostOf(life.slot)),
    );

  const noteCreates = (slot: number): void => void cutOff.push(...creates.inFlight(hostOf(slot)));

  const killIn = async (
    window: WindowName,
    aiming: Promise<Aim | null>,
    isFollowed: boolean,
    context: WindowContext,
  ): Promise<void> => {
    const aim = await aiming;
    const victim = aim === null ? undefined : victimOf(aim);
    // What was just handed out is on its way through the socket.
    await nextTurn();
    if (aim === null || victim === undefined || victim.isOver()) {
      missed += 1;
      aim?.release();
      return;
    }
    victim.signal('SIGKILL');
    const atMs = Date.now();
    noteCreates(victim.slot);
    const { promise: spoken, resolve: tellSpoken } = Promise.withResolvers<void>();
    creates.expectLate(hostOf(victim.slot), spoken);
    kills.push({ window, aim, atMs, isClockTrue: hasServer || victim.hasSteadyClock });
    log.push({ atMs, window });
    const comeBack = leave();
    await victim.ended;
    aim.release();
    interrupted = new Set(world.open().map(({ number }) => number));
    // The recovery begins before the process says that it serves.
    const recovering = isFollowed ? windows['during recovery'](context) : null;
    const next = fleet.start(victim.slot);
    void next.spoken.then(tellSpoken);
    if (recovering !== null) await killIn('during recovery', recovering, false, context);
    await (fleet.lives[victim.slot] ?? next).ready;
    comeBack();
  };

  const killer: Killer = {
    get kills() {
      return kills.length;
    },
    get stops() {
      return stops;
    },
    get ends() {
      return ends;
    },
    get missed() {
      return missed;
    },
    createsCutOff: cutOff,
    log,
    absences,
    isInterrupted: (question) => interrupted.has(question),
    async kill(window, isFollowed, context) {
      await killIn(window, windows[window](context), isFollowed, context);
    },
    async stop(context, forMs) {
      const aim = await windows['while streaming'](context);
      const victim = aim === null ? undefined : victimOf(aim);
      if (victim === undefined || victim.isOver()) return;
      victim.signal('SIGSTOP');
      noteCreates(victim.slot);
      stops += 1;
      log.push({ atMs: Date.now(), window: 'by a stop' });
      const comeBack = leave();
      creates.expectLate(hostOf(victim.slot), sleep(forMs));
      await sleep(forMs);
      victim.signal('SIGCONT');
      comeBack();
    },
    async end(context) {
      const aim = await windows['while streaming'](context);
      const victim = aim === null ? undefined : victimOf(aim);
      if (victim === undefined || victim.isOver()) return;
      ends += 1;
      log.push({ atMs: Date.now(), window: 'in order' });
      const comeBack = leave();
      await fleet.endInOrder(victim);
      await fleet.start(victim.slot).ready;
      comeBack();
    },
    hits(turns) {
      const records = new Map(turns.map((turn) => [turn.originKey, turn]));
      const hits = new Map(WINDOWS.map((name) => [name, { hit: 0, aimed: 0 }]));
      for (const { window, aim, atMs, isClockTrue } of kills) {
        const count = hits.get(window);
        if (count === undefined) continue;
        count.aimed += 1;
        if (!isClockTrue && BY_RECORDS.has(window)) continue;
        if (aim.isHit(records.get(aim.question.originKey), atMs)) count.hit += 1;
      }
      return hits;
    },
  };
  return killer;
}

type Create = Evidence['createsCutOff'][number];

/**
 * Keeps the creates on Telegram that are under way, or have just ended. What a process sent right before its death may
 * still lie in the socket: until the next one shows a sign of life such creates are told as late.
 */
function watchCreates(stage: Stage, outages: Outages, onLate: (late: Create) => void) {
  const dead = new Set<string>();
  let recent: { call: SeenCall; startedAtMs: number; endedAtMs: number | null }[] = [];
  /** Each create excuses one repetition, however many kills it outlasts. */
  const told = new Set<SeenCall['record']>();
  stage.watch((call) => {
    if (call.platform !== 'telegram' || call.kind !== 'create') return undefined;
    const isLate = call.when === 'before' && dead.has(call.host.split(':')[0] ?? '');
    if (isLate) {
      told.add(call.record);
      onLate(describe(call));
    }
    const now = Date.now();
    recent = recent.filter(({ startedAtMs }) => now - startedAtMs < KEPT_MS);
    if (call.when === 'before') recent.push({ call, startedAtMs: now, endedAtMs: null });
    const own = recent.find((one) => one.call.record === call.record);
    if (call.when === 'after' && own !== undefined) own.endedAtMs = now;
    return undefined;
  });
  return {
    inFlight(host: string): Create[] {
      const found = recent
        .filter(({ call }) => call.host.startsWith(host) && !told.has(call.record))
        .filter(
          ({ endedAtMs }) =>
            endedAtMs === null || endedAtMs > Math.min(outages.sinceMs(), Date.now()) - STORING_MS,
        );
      for (const { call } of found) told.add(call.record);
      return found.map(({ call }) => describe(call));
    },
    /** The process of this host was killed or stopped, `until` one there shows a sign of life again. */
    expectLate(host: string, until: Promise<void>): void {
      dead.add(host);
      void until.then(() => dead.delete(host));
    },
  };
}

const describe = ({ place, question }: SeenCall): Create => ({ place: place ?? '', question });

const KEPT_MS = 20_000;
