import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerPlan, Trouble } from './model.ts';
import { createRandom, type Random } from './random.ts';
import type { Stage } from './stage.ts';
import type { Killer } from './killer.ts';
import { untilTrue } from './patience.ts';
import type { RunOptions } from './run.ts';
import type { World } from './world.ts';

/** Questions that are open at once, at most; those of a dead process wait for its lease to run out. */
const MOST_OPEN = 60;
const ASK_EVERY_MS = 60;
/** Asked while the one before is being answered. */
const IMPATIENT_SHARE = 0.12;
const LONG_SHARE = 0.06;
const TROUBLE_SHARE = 0.04;
const TROUBLES: readonly Trouble[] = ['5xx', '429', 'reset', 'error in stream', 'cut'];

/** So long after the last question of the introduction at most. */
const INTRODUCTION_MS = 60_000;

/**
 * One question in each place of Discord, before anything goes wrong: what is written while nobody listens is looked for
 * only where the bot was asked before.
 */
export async function introduce(options: RunOptions, world: World): Promise<void> {
  const random = createRandom(options.seed + 4);
  for (const place of world.places.filter(({ platform }) => platform === 'discord')) {
    world.ask(place, { ...planOf(random), trouble: null, characters: random.between(60, 300) });
    await sleep(ASK_EVERY_MS);
  }
  await untilTrue(() => world.open().length === 0, INTRODUCTION_MS);
}

/** Asks until all questions are asked or it is over; keeps step with the kills, so that both last equally long. */
export async function converse(
  run: {
    readonly options: RunOptions;
    readonly world: World;
    readonly killer: Killer;
  },
  isOver: () => boolean,
): Promise<void> {
  const { options, world, killer } = run;
  const random = createRandom(options.seed + 2);
  while (world.asked.length < options.turns && !isOver()) {
    await sleep(ASK_EVERY_MS);
    const share = options.kills === 0 ? 1 : (killer.kills + 2) / options.kills;
    if (world.asked.length > options.turns * share || world.awaited() > MOST_OPEN) continue;
    const isImpatient = random.chance(IMPATIENT_SHARE);
    const places = isImpatient ? world.busy() : world.idle('talk');
    if (places.length > 0) world.ask(random.pick(places), planOf(random));
  }
}

function planOf(random: Random): AnswerPlan {
  return {
    characters: random.chance(LONG_SHARE) ? random.between(4200, 7000) : random.between(60, 700),
    firstTokenMs: random.between(20, 400),
    paceMs: random.between(10, 120),
    stallsAt: null,
    trouble: random.chance(TROUBLE_SHARE) ? random.pick(TROUBLES) : null,
  };
}

/** When something was last written, or asked of a model. */
export function watchActivity(stage: Stage): { lastMs(): number } {
  let lastMs = Date.now();
  const note = (): void => void (lastMs = Date.now());
  stage.onAsked(note);
  stage.watch(({ kind }) => {
    if (kind === 'create' || kind === 'edit') note();
    return undefined;
  });
  return { lastMs: () => lastMs };
}
