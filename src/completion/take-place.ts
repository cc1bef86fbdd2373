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

/** For whom a turn asks free models. */
export function askerOf({ request: { free, endUser } }: Turn): FreeAsker {
  return free ?? { subject: endUser, user: endUser, isFirst: false, isBackground: false };
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
  const asker = askerOf(turn);
  const { place } = turn;
  if (place !== null && place.given.provider === candidate.provider) {
    turn.place = null;
    if (places.redeem(place.given, asker, place.ageMs)) return 1;
  }
  const isOfPool = (one: Candidate): boolean => one.isFree && one.provider === candidate.provider;
  const others = turn.untried.filter((one) => !isOfPool(one));
  const longestWaitMs = gate.isReady(others, asker) ? MOMENT_MS : LONGEST_QUEUE_MS;
  const wish = { ...asker, wanted, longestWaitMs };
  const verdict = await offTheClock(turn, now, () => places.take(wish, turn.signal));
  if (verdict.kind === 'granted') return verdict.count;
  turn.failure ??= verdict.failure;
  // They come last where something else could answer, and not at all where nothing could.
  const behind = longestWaitMs === MOMENT_MS ? turn.untried.filter(isOfPool) : [];
  turn.untried = [...others, ...behind];
  return null;
}

/** A place that no attempt used is for others. */
export function leavePlace({ states }: Pick<PlaceParts, 'states'>, turn: Turn): void {
  const { place } = turn;
  turn.place = null;
  if (place === null) return;
  const state = [...states.values()].find(({ client }) => client.provider === place.given.provider);
  state?.places.giveBack(place.given);
}
