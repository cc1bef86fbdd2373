import type { IncomingHttpHeaders } from 'node:http';
import type { SimulatedModel } from '../catalogue.ts';
import type { ChatRequest } from '../validation.ts';

/** An answer of HTTP that is no completion. */
export interface Refusal {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a simulated service with OpenAI's interface does in its own way. */
export interface Service {
  readonly name: 'gemini' | 'huggingface';
  /** Under which its paths lie, without a slash at the end. */
  readonly basePath: string;
  /** The key that it takes unless told otherwise. */
  readonly usualKey: string;
  readonly models: readonly SimulatedModel[];
  /** The only names that a request may hold. */
  readonly fields: ReadonlySet<string>;
  readonly unknownFields: (fields: readonly string[]) => Refusal;
  readonly unauthorized: (header: string | undefined) => Refusal;
  readonly invalid: (message: string) => Refusal;
  /** The model that an id asks for. */
  readonly find: (models: readonly SimulatedModel[], id: string) => SimulatedModel | undefined;
  readonly unknownModel: (id: string) => Refusal;
  readonly modelList: (models: readonly SimulatedModel[]) => unknown;
  readonly needsKeyForList: boolean;
  /** By the names that scenarios use. */
  readonly refusals: Readonly<Record<string, (model: string) => Refusal>>;
  /** An error in the midst of a stream. */
  readonly streamError: (code: number, message: string) => unknown;
  readonly newId: (random: () => number) => string;
  /** Each chunk carries the usage so far, not only the last one. */
  readonly reportsUsageAlways: boolean;
  /** What was thought is counted in the total alone. */
  readonly hidesThoughtTokens: boolean;
}

/** A request that the service received. */
export interface ServiceCall {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; the text itself when it is none; undefined without a body. */
  body: unknown;
  /** Undefined until headers were sent. */
  status: number | undefined;
  /** Tokens as they were reported. */
  usage: ServiceUsage | undefined;
  /** The client left before the answer was complete. */
  cancelled: boolean;
  atMs: number;
}

export interface ServiceUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  completion_tokens_details?: { reasoning_tokens: number };
}

export type { ChatRequest };
