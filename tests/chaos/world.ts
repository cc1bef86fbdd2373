import type { Question } from './evidence.ts';
import { isEnded, questionText, type AnswerPlan } from './model.ts';
import type { Random } from './random.ts';
import { discordPlaces, telegramPlaces, type Place, type Size } from './places.ts';
import type { Stage } from './stage.ts';

/** A question with what the harness needs to know of it while the bot works on it. */
export interface Asked extends Omit<Question, 'isDeclaredFailed' | 'wasDisturbed'> {
  readonly place: string;
  readonly eventId: string;
  /** Its whole answer, or a notice in its place, was seen. */
  isOver: boolean;
}

export interface World {
  readonly places: readonly Place[];
  readonly asked: readonly Asked[];
  /** Asks the next question there. */
  ask(place: Place, plan: AnswerPlan): Asked;
  /** Places where nothing is open and that had their rest: those for talk, or those that are kept for the windows. */
  idle(isFor: 'talk' | 'windows'): readonly Place[];
  /** Places of one conversation where a question is open, and just one. */
  busy(): readonly Place[];
  /** Questions without an end so far. */
  open(): readonly Asked[];
  /** How many of them an answer may still be awaited for. */
  awaited(): number;
  /** Every change of a message of the bot, in order. */
  readonly changes: { message: string; atMs: number; text: string }[];
  /** What goes wrong upstream by plan, by kind. */
  readonly troubles: ReadonlyMap<string, number>;
}

/** Whoever never got an answer that was seen does not keep a place busy for longer than this. */
const PATIENCE_MS = 30_000;
/** One place in so many is kept for the windows, so that there is always one for them. */
const KEPT_EACH = 4;
/** What stands below an answer of which only a part came. */
const BROKEN_OFF = '⚠️';

export function createWorld(stage: Stage, random: Random, size: Size): World {
  const places = [...telegramPlaces(stage, size), ...discordPlaces(stage, size)];
  const asked: Asked[] = [];
  const openIn = new Map<string, Asked[]>(places.map(({ key }) => [key, []]));
  const lastAskedMs = new Map<string, number>();
  const changes: World['changes'] = [];
  const troubles = new Map<string, number>();
  const alone = new Set(places.filter(({ manner }) => manner === 'alone').map(({ key }) => key));
  const isFresh = ({ askedAtMs }: Asked): boolean => Date.now() - askedAtMs < PATIENCE_MS;
  const openAt = ({ key }: Place): readonly Asked[] => openIn.get(key)?.filter(isFresh) ?? [];

  const end = (one: Asked | undefined): void => {
    if (one === undefined) return;
    one.isOver = true;
    openIn.set(one.place, openIn.get(one.place)?.filter((other) => other !== one) ?? []);
  };
  /** In one conversation, those that were asked before have been answered, or merged into it. */
  const endUpTo = (one: Asked | undefined): void => {
    const before = openIn.get(one?.place ?? '')?.filter(({ number }) => number < (one?.number ?? 0)) ?? [];
    if (alone.has(one?.place ?? '')) for (const other of before) end(other);
    end(one);
  };
  stage.watch((call) => {
    const { kind, when, place, text, question, hasStopButton } = call;
    if (when === 'before' || (kind !== 'create' && kind !== 'edit') || text === '') return undefined;
    const id = messageIdOf(call.result);
    if (id !== null && place !== null)
      changes.push({ message: `${place}/${id}`, atMs: Date.now(), text: text });
    if (hasStopButton) return undefined;
    // Without a tag it is a notice, which ends what was asked first.
    if (question === null) end(openIn.get(place ?? '')?.[0]);
    else if (isEnded(text) || text.includes(BROKEN_OFF)) endUpTo(asked[question - 1]);
    return undefined;
  });

  return {
    places,
    asked,
    changes,
    troubles,
    ask(place, plan) {
      const number = asked.length + 1;
      stage.model.plan(number, plan);
      if (plan.trouble !== null) {
        const name = `model: ${plan.trouble}`;
        troubles.set(name, (troubles.get(name) ?? 0) + 1);
      }
      const askedAtMs = Date.now();
      const wasHeard = place.platform === 'telegram' || isHeardOnDiscord(stage);
      const eventId = place.say(questionText(number), random);
      const bot = place.platform === 'telegram' ? stage.telegram.bot.id : stage.discord.bot.id;
      const one: Asked = {
        number,
        platform: place.platform,
        place: place.key,
        where: place.where,
        kind: place.manner === 'command' ? 'command' : 'message',
        eventId,
        originKey: `${place.platform}:${bot}:${place.key.split(':')[1]}:${eventId}`,
        askedAtMs,
        wasHeard,
        isOver: false,
      };
      asked.push(one);
      openIn.get(place.key)?.push(one);
      lastAskedMs.set(place.key, askedAtMs);
      return one;
    },
    idle: (isFor) =>
      places.filter(
        (place, index) =>
          (index % KEPT_EACH === 0) === (isFor === 'windows') &&
          openAt(place).length === 0 &&
          Date.now() - (lastAskedMs.get(place.key) ?? 0) > place.restMs,
      ),
    busy: () =>
      places.filter(
        (place, index) => index % KEPT_EACH > 0 && place.manner === 'alone' && openAt(place).length === 1,
      ),
    open: () => asked.filter(({ isOver }) => !isOver),
    awaited: () => asked.filter((one) => !one.isOver && isFresh(one)).length,
  };
}

function isHeardOnDiscord({ discord }: Stage): boolean {
  return discord.gateway.sessions().some(({ connected }) => connected);
}

function messageIdOf(result: unknown): string | null {
  const { message_id: telegramId, id } = Object(result) as { message_id?: unknown; id?: unknown };
  if (typeof telegramId === 'number') return String(telegramId);
  return typeof id === 'string' ? id : null;
}
