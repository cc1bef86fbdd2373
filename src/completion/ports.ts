import type { CatalogueSnapshot } from './catalogue-model.ts';

/** Keeps the last good model list across restarts. */
export interface CatalogueStore {
  /** The snapshot saved last, or null when there never was one. May reject when the store is away. */
  load(): Promise<CatalogueSnapshot | null>;
  /** Replaces what was saved before. May reject when the store is away. */
  save(snapshot: CatalogueSnapshot): Promise<void>;
}

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
