import { setTimeout as sleep } from 'node:timers/promises';
import type { TurnRecord } from './evidence.ts';
import { isEnded, type AnswerPlan } from './model.ts';
import { anyIdle, askedFor, confirms, handedOut, hold, shownFor, type WindowContext } from './aiming.ts';
import type { SeenCall } from './stage.ts';
import type { Asked } from './world.ts';

/** The moments of a turn at which a process is killed. */
export const WINDOWS = [
  'before admit',
  'after admit',
  'waiting',
  'before first text',
  'while streaming',
  'before the last edit',
  'during a create',
  'during recovery',
] as const;

export type WindowName = (typeof WINDOWS)[number];
/** Kills in a window, and those that were aimed at it. */
export type HitCounts = ReadonlyMap<WindowName, { readonly hit: number; readonly aimed: number }>;

/** A process is in a window right now, as far as can be seen from outside. */
export interface Aim {
  readonly question: Asked;
  /** By which name the process reached a simulator, or how it called itself to the model. */
  readonly whom: { readonly host: string } | { readonly asker: string };
  /** Lets go what is held, once the process is dead. */
  release(): void;
  /** Whether it was the window, by the record at the end. */
  isHit(turn: TurnRecord | undefined, killedAtMs: number): boolean;
}

/** Waits this long for a window to open. */
const PATIENCE_MS = 15_000;
const RECOVERY_PATIENCE_MS = 25_000;

const STEADY: AnswerPlan = {
  characters: 500,
  firstTokenMs: 100,
  paceMs: 200,
  stallsAt: null,
  trouble: null,
};
const STALLS_EARLY: AnswerPlan = { ...STEADY, stallsAt: 'the start' };
const STALLS_LATE: AnswerPlan = { ...STEADY, stallsAt: 'the middle' };

/** Brings a process into the window. Null when that did not come about. */
export const windows: Readonly<Record<WindowName, (context: WindowContext) => Promise<Aim | null>>> = {
  async 'before admit'(context) {
    const { stage, lockTurns } = context;
    const place = anyIdle(context);
    if (place === null) return null;
    const release = lockTurns === null ? null : await lockTurns();
    const handed = handedOut(stage, place);
    const question = context.world.ask(place, STEADY);
    const host = await handed(question);
    if (host === null) {
      release?.();
      return null;
    }
    // Under the lock nothing can be stored; without it, only a kill at once comes before.
    if (release !== null) await sleep(context.random.between(30, 120));
    return {
      question,
      whom: { host },
      release: () => release?.(),
      isHit: (turn, killedAtMs) => release !== null || (turn?.admittedAtMs ?? Infinity) > killedAtMs,
    };
  },

  async 'after admit'(context) {
    const { stage, world } = context;
    const place = anyIdle(context, 'telegram');
    if (place === null) return null;
    const question = world.ask(place, STEADY);
    const { held, release } = hold(stage, (call) => confirms(call, stage, question));
    const call = await held(PATIENCE_MS);
    if (call === null) return null;
    return {
      question,
      whom: { host: call.host },
      release,
      isHit: (turn, killedAtMs) => turn !== undefined && turn.admittedAtMs <= killedAtMs,
    };
  },

  async waiting(context) {
    const { stage, world, random } = context;
    const place = anyIdle(context, undefined, ['alone']);
    if (place === null) return null;
    const first = world.ask(place, STALLS_LATE);
    const shown = await shownFor(stage, first, PATIENCE_MS);
    if (shown === null) return null;
    const question = world.ask(place, STEADY);
    await sleep(random.between(250, 600));
    return {
      question,
      whom: { host: shown.host },
      release: () => undefined,
      isHit: (turn, killedAtMs) =>
        turn !== undefined && turn.admittedAtMs <= killedAtMs && (turn.startedAtMs ?? Infinity) > killedAtMs,
    };
  },

  async 'before first text'(context) {
    const { stage, world, random } = context;
    const place = anyIdle(context);
    if (place === null) return null;
    const question = world.ask(place, STALLS_EARLY);
    const asked = await askedFor(stage, (number) => number === question.number, PATIENCE_MS);
    if (asked === null) return null;
    await sleep(random.between(10, 200));
    return { question, whom: asked, release: () => undefined, isHit: () => true };
  },

  async 'while streaming'(context) {
    const { stage, world, random } = context;
    const place = anyIdle(context);
    if (place === null) return null;
    const question = world.ask(place, STALLS_LATE);
    const shown = await shownFor(stage, question, PATIENCE_MS);
    if (shown === null) return null;
    // Mostly long enough for what was created to be stored.
    await sleep(random.between(0, 4000));
    return { question, whom: { host: shown.host }, release: () => undefined, isHit: () => true };
  },

  async 'before the last edit'(context) {
    const { stage, world } = context;
    const place = anyIdle(context, undefined, ['alone']);
    if (place === null) return null;
    const question = world.ask(place, { ...STEADY, paceMs: 250 });
    const isLast = ({ kind, when, text, hasStopButton, question: number }: SeenCall): boolean =>
      kind === 'edit' && when === 'before' && number === question.number && isEnded(text) && !hasStopButton;
    const { held, release } = hold(stage, isLast);
    const call = await held(PATIENCE_MS);
    if (call === null) return null;
    return {
      question,
      whom: { host: call.host },
      release,
      isHit: (turn, killedAtMs) =>
        turn !== undefined &&
        (turn.generatedAtMs ?? Infinity) <= killedAtMs &&
        (turn.deliveredAtMs ?? Infinity) > killedAtMs,
    };
  },

  async 'during a create'(context) {
    const { stage, world, random } = context;
    const place = anyIdle(context, undefined, ['alone', 'shared']);
    if (place === null) return null;
    const question = world.ask(place, STEADY);
    const when = random.pick(['before', 'after'] as const);
    const { held, release } = hold(
      stage,
      (call) => call.kind === 'create' && call.when === when && call.question === question.number,
    );
    const call = await held(PATIENCE_MS);
    return call === null ? null : { question, whom: { host: call.host }, release, isHit: () => true };
  },

  async 'during recovery'({ stage, world, random, isInterrupted }) {
    const asked = await askedFor(stage, isInterrupted, RECOVERY_PATIENCE_MS);
    const question = world.asked[(asked?.number ?? 0) - 1];
    if (asked === null || question === undefined) return null;
    await sleep(random.between(0, 400));
    return { question, whom: asked, release: () => undefined, isHit: () => true };
  },
};
