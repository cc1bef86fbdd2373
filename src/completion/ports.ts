import type { CatalogueModel, CatalogueSnapshot } from './catalogue-model.ts';

/** Keeps the last good model list across restarts. */
export interface CatalogueStore {
  /** The snapshot saved last, or null when there never was one. May reject when the store is away. */
  load(): Promise<CatalogueSnapshot | null>;
  /** Replaces what was saved before. May reject when the store is away. */
  save(snapshot: CatalogueSnapshot): Promise<void>;
}

/** What became of the calls to a model, lately. */
export interface ModelExperience {
  /** As it was asked for. */
  readonly model: string;
  /** Those that say something about it. */
  readonly calls: number;
  readonly failures: number;
  /** Answers of it that a reader had written anew. */
  readonly askedAgain: number;
  /** On average; null when no text ever came. */
  readonly firstTokenMs: number | null;
}

export interface ExperienceStore {
  /**
   * OpenRouter's models, of the last three days, at most of the last 2000 attempts; `blamed` are the kinds of failure that
   * count against a model. May reject when the store is away.
   */
  recent(blamed: readonly string[]): Promise<readonly ModelExperience[]>;
}

/** The models that a guild allows: ids, `author/*` and `free`, in small letters; null allows all. */
export type AllowedModels = readonly string[] | null;

/** Whose key and money a turn uses; resolved once, at admission: the person's own, else the guild's, else the operator's. */
export type Payer = 'operator' | 'guild' | 'user';

/** What a model must be, or be able to take. */
export type ModelFilter = 'free' | 'vision' | 'files' | 'audio' | 'tools';

/**
 * The models that people can choose from, by the list, by what a guild allows and by who pays: the operator offers what the
 * settings say, a person all that has a price, and a guild what is free or what it allows by name.
 */
export interface ModelShelf {
  /** Free ones first, the best of them at the front; then the others, cheap ones first. */
  list(filter: ModelFilter | null, allowed: AllowedModels, payer?: Payer): readonly CatalogueModel[];
  /** Those in whose id or name all the words stand, in the same order. */
  search(words: string, allowed: AllowedModels, payer?: Payer): readonly CatalogueModel[];
  /** What somebody means by a name: an id, or words that only one model has. */
  look(written: string, allowed: AllowedModels, payer?: Payer): ModelLookup;
  /** Whether a list was ever fetched. */
  hasList(): boolean;
  /** False where those who answer on a payer's account have one model each, and nothing can be chosen. */
  offersChoice(payer: Payer): boolean;
}

export type ModelLookup =
  | { readonly kind: 'found'; readonly model: CatalogueModel }
  /** Who pays allows free models only, or nobody can tell what it costs. */
  | { readonly kind: 'not_offered'; readonly model: CatalogueModel; readonly freeOnly: boolean }
  /** The guild's admins do not allow it. */
  | { readonly kind: 'not_allowed'; readonly model: CatalogueModel }
  /** `near`: ids that may be meant, at most five. */
  | { readonly kind: 'unknown'; readonly near: readonly string[] };

/** The part of a logger that completions need. Fields never hold message text or keys. */
export interface CompletionLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Something that the operator has to look at, told once each time it begins. `detail` is safe to show in a channel. */
export interface CompletionAlert {
  readonly kind:
    /** A model that is listed as free reported a cost; it is not asked again. */
    | 'free_model_cost'
    | 'unauthorized'
    | 'no_credits'
    | 'key_limit'
    | 'free_day_spent'
    | 'model_gone'
    /** The account's privacy settings exclude the model; they are changed at https://openrouter.ai/settings/privacy. */
    | 'data_policy';
  readonly detail: string;
}

/** What the model service says of keys that people bring. Never rejects. */
export interface KeyDesk {
  /** Where a person signs in; what comes back is bound to the challenge (base64url of the verifier's SHA-256). */
  signInUrl(challenge: string, callback: string | null): string;
  look(apiKey: string): Promise<KeyLook>;
  /** What a key was billed since the UTC day began, in nano-USD; null where the service does not tell. */
  billedToday(apiKey: string): Promise<bigint | null>;
  /** Trades the code of a sign-in for a key. A code is good once, for ten minutes. */
  trade(code: string, verifier: string): Promise<CodeTrade>;
}

export type KeyLook =
  | {
      readonly kind: 'good';
      /** What it may still spend in its period, in USD; null where it has no limit of its own. */
      readonly remainingUsd: number | null;
      readonly usedUsd: number;
      /** Requests of free models on this UTC day, by the whole account; null where it is not told. */
      readonly freeDay: { readonly used: number; readonly limit: number } | null;
    }
  /** It manages keys and answers no questions. */
  | { readonly kind: 'management' }
  /** Unknown, revoked or switched off. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unreachable' };

export type CodeTrade =
  | { readonly kind: 'traded'; readonly apiKey: string }
  /** Used before, of another sign-in, or made up. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unreachable' };

/** A key that pays in the operator's place. It is opened for each request and kept nowhere in plain. */
export interface OwnKey {
  /** Changes whenever what was learned about the key so far is of no use any more. */
  readonly id: string;
  /** The same for as long as the key is. */
  readonly account: string;
  /** The key; null where it can't be opened. */
  open(): string | null;
  /** Whether a model that costs may be asked with it: whoever pays has chosen that. */
  mayCost(model: string): boolean;
}
