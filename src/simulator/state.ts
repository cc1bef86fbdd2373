import type { IncomingHttpHeaders } from 'node:http';
import type { Accounts } from './accounts.ts';
import type { SimulatedModel } from './catalogue.ts';
import type { Pace } from './completion.ts';
import type { Generations } from './generations.ts';
import type { PromptCache } from './prompt-cache.ts';
import type { Scenario, ScenarioQueue } from './scenario.ts';
import type { SignIns } from './sign-ins.ts';
import type { Usage } from './wire.ts';

/** A request that the simulator received. The fields below `body` fill in as it is answered. */
export interface SimulatedCall {
  method: string;
  /** Without the query, e.g. `/api/v1/chat/completions`. */
  path: string;
  query: Readonly<Record<string, string>>;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; the text itself when it is none; undefined without a body. */
  body: unknown;
  /** Undefined until headers were sent, and for a connection that got none. */
  status: number | undefined;
  generationId: string | undefined;
  usage: Usage | undefined;
  /** The id of the model that answered or refused last, after routers and fallbacks. */
  model: string | undefined;
  /** The client left before the answer was complete. */
  cancelled: boolean;
  /** Epoch milliseconds of the injected clock. */
  atMs: number;
}

export interface SimulatorState {
  models: readonly SimulatedModel[];
  accounts: Accounts;
  signIns: SignIns;
  generations: Generations;
  promptCache: PromptCache;
  scenarios: ScenarioQueue;
  /** What a request plays for which no scenario waits. */
  readonly script: (call: SimulatedCall) => Scenario;
  calls: SimulatedCall[];
  readonly pace: Pace;
  readonly freeLimits: { perMinute: number; perDay: number };
  readonly defaultPlugins: readonly string[];
  readonly maxBodyBytes: number;
  readonly now: () => number;
  /** 0 up to 1, from the seed. */
  readonly random: () => number;
}
