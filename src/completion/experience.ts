import type { CatalogueModel } from './catalogue-model.ts';
import { freeRouter } from './catalogue-model.ts';
import { OF_THE_MODEL } from './failure.ts';
import type { CompletionLog, ExperienceStore, ModelExperience } from './ports.ts';

/** How models did lately, for all processes together, and what follows for the order of the free ones. */
export interface Experience {
  /** Asks what is known by now; keeps what was known when that fails. Never rejects. */
  refresh(): Promise<void>;
  /** Puts ranked models into the order in which they are worth a try; now and then another one comes first, to be known. */
  order(ranked: readonly CatalogueModel[]): readonly CatalogueModel[];
}

export interface ExperienceOptions {
  readonly store: ExperienceStore;
  /** 0 inclusive to 1 exclusive. */
  readonly random: () => number;
  readonly log: CompletionLog;
}

export function createExperience({ store, random, log }: ExperienceOptions): Experience {
  let known: ReadonlyMap<string, ModelExperience> = new Map();
  return {
    async refresh() {
      try {
        const recent = await store.recent(OF_THE_MODEL);
        known = new Map(recent.map((experience) => [experience.model, experience]));
      } catch (error) {
        log.warn({ err: error }, 'how models did lately could not be read');
      }
    },
    order(ranked) {
      const isRouter = ({ id }: CatalogueModel): boolean => id === freeRouter;
      const models = ranked.filter((model) => !isRouter(model));
      const worth = new Map(models.map(({ id }, rank) => [id, worthOf(rank, models.length, known.get(id))]));
      const best = models.toSorted((a, b) => (worth.get(b.id) ?? 0) - (worth.get(a.id) ?? 0));
      return [...explored(best, random), ...ranked.filter(isRouter)];
    },
  };
}

/** What the rank says counts as so many calls. */
const CALLS_OF_THE_RANK = 8;
/** Somebody who wants another answer may only be curious: it takes some to tell. */
const ANSWERS_BEFORE_BLAME = 10;
/** Nobody waits gladly for longer than this. */
const SLOWEST_MS = 20_000;
/** Of a model that nobody has heard from. */
const USUAL_FIRST_TOKEN_MS = 4000;

/**
 * How likely it is to answer, by its rank and by what was seen; up to half is taken off for slowness, and up to half for
 * answers that readers would not have.
 */
function worthOf(rank: number, count: number, seen: ModelExperience | undefined): number {
  const expected = 0.95 - (0.5 * rank) / Math.max(count, 1);
  const calls = seen?.calls ?? 0;
  const successes = calls - (seen?.failures ?? 0);
  const rate = (successes + CALLS_OF_THE_RANK * expected) / (calls + CALLS_OF_THE_RANK);
  const firstTokenMs = seen?.firstTokenMs ?? USUAL_FIRST_TOKEN_MS;
  const disliked = (seen?.askedAgain ?? 0) / (Math.max(successes, 0) + ANSWERS_BEFORE_BLAME);
  return rate * (1 - 0.5 * Math.min(firstTokenMs / SLOWEST_MS, 1)) * (1 - 0.5 * Math.min(disliked, 1));
}

/** One turn in so many begins with one of the models behind the first, lest nobody should learn that they are better. */
const EXPLORED_SHARE = 0.1;
const EXPLORED_DEPTH = 5;

function explored(best: readonly CatalogueModel[], random: () => number): readonly CatalogueModel[] {
  const others = best.slice(1, 1 + EXPLORED_DEPTH);
  if (others.length === 0 || random() >= EXPLORED_SHARE) return best;
  const chosen = others[Math.floor(random() * others.length)];
  return chosen === undefined ? best : [chosen, ...best.filter((model) => model !== chosen)];
}
