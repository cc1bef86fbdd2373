/** A page that an answer refers to. */
export interface Source {
  /** Absolute, http or https, without a name or password in it; at most 400 characters. */
  readonly url: string;
  /** One line of at most 100 characters; empty where the page has none. */
  readonly title: string;
}

/** What came of the searches for one answer, as it is stored with it. */
export interface SearchReport {
  /** Null where the provider did not tell. */
  readonly searches: number | null;
  /** Their price alone; null where the provider did not tell. */
  readonly costNanoUsd: number | null;
  /** Each once, at most eight, in the order in which they came. */
  readonly sources: readonly Source[];
}
