import type { Candidate } from './candidates.ts';
import type { FreeAsker } from './free-places.ts';
import { LONGEST_QUEUE_MS, MOMENT_MS, type Gate } from './gate.ts';
import { stateOf, type ProviderStates } from './provider-state.ts';
import { offTheClock, type Turn } from './turn.ts';

export interface PlaceParts {
  readonly states: ProviderStates;
  readonly gate: Gate;
  readonly now: () => number;
}

/** For whom a turn asks free models, and with what. */
export function askerOf({ request: { free, endUser }, place }: Turn): FreeAsker {
  return {
    ...(free ?? { subject: endUser, user: endUser, isFirst: false, isBackground: false }),
    place,
  };
}

/**
 * Takes the places that a call on free models needs, at most as many as it would name: as many as there are, or null where
 * there is none in time. The turn goes on without what it can't have, and `turn.failure` says why.
 */
export async function takePlaces(
  { states, gate, now }: PlaceParts,
  turn: Turn,
  candidate: Candidate,
  wanted: number,
): Promise<number | null> {
  if (!candidate.isFree) return 1;
  const { places } = stateOf(states, candidate.provider);
  const { place } = turn;
  if (place?.given.provider === candidate.provider) {
    turn.place = null;
    if (places.redeem(place.given, askerOf(turn), place.ageMs)) {
      turn.taken = place;
      return 1;
    }
  } else leavePlace({ states }, turn);
  const asker = askerOf(turn);
  const isOfPool = (one: Candidate): boolean => one.isFree && one.provider === candidate.provider;
  const others = turn.untried.filter((one) => !isOfPool(one));
  const longestWaitMs = gate.isReady(others, asker) ? MOMENT_MS : LONGEST_QUEUE_MS;
  const wish = { ...asker, wanted, longestWaitMs };
  const verdict = await offTheClock(turn, now, () => places.take(wish, turn.signal));
  if (verdict.kind === 'granted') {
    turn.taken = { given: verdict.place, ageMs: 0 };
    return verdict.count;
  }
  turn.failure ??= verdict.failure;
  // They come last where something else could answer, and not at all where nothing could.
  const behind = longestWaitMs === MOMENT_MS ? turn.untried.filter(isOfPool) : [];
  turn.untried = [...others, ...behind];
  return null;
}

/** What was taken for a call that is not made: the turn has it as if it had come with the admission. */
export function keepPlace(turn: Turn): void {
  turn.place ??= turn.taken;
  turn.taken = null;
}

/** A place that no attempt used is for others. */
export function leavePlace({ states }: Pick<PlaceParts, 'states'>, turn: Turn): void {
  const { place } = turn;
  turn.place = null;
  if (place === null) return;
  const [state] = states.values();
  state?.places.giveBack(place.given);
}
