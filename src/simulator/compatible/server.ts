/**
 * Stand-ins on loopback for the services besides OpenRouter that speak OpenAI's chat completions: Google's Gemini API and
 * Hugging Face's router.
 *
 * They play `POST /chat/completions` (whole and streamed) and `GET /models`, refuse keys, models and fields that the services
 * refuse, with their texts, and count nothing: quotas are spent by scenario. Tools, pictures and audio are not played.
 *
 * Under `/__simulator/` other processes steer them: `POST play {scenario, match}`, `GET calls`, `POST reset`, `POST models {models}`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SimulatedModel } from '../catalogue.ts';
import type { Pace } from '../completion.ts';
import { answerControl } from '../control.ts';
import { createScenarioQueue, type ScenarioMatch } from '../scenario.ts';
import { answerRequest } from './answering.ts';
import { gemini } from './gemini.ts';
import { huggingface } from './huggingface.ts';
import { serviceScenarioSchema, type ServiceScenario } from './scenario.ts';
import type { ServiceCall } from './service.ts';
import type { ServiceState } from './state.ts';

export interface ServiceSimulatorOptions {
  /** Default 0: any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  key?: string;
  models?: readonly SimulatedModel[];
  /** Default: at once. */
  pace?: Pace;
  now?: () => number;
}

export interface ServiceSimulator {
  /** With the version, as the bot's setting takes it. */
  readonly url: string;
  readonly key: string;
  /** All requests in the order of their arrival. */
  readonly calls: readonly ServiceCall[];
  /** The next matching chat requests that are let in play this scenario. Throws for an unknown or wrong field. */
  play(scenario: ServiceScenario, match?: ScenarioMatch): void;
  /** Forgets scenarios and calls; keeps the models. */
  reset(): void;
  setModels(models: readonly SimulatedModel[]): void;
  /** Ends open connections and the server. Rejects with an `AggregateError` when the simulator itself failed. */
  stop(): Promise<void>;
}

const services = { gemini, huggingface };

/** Starts the simulator of a service; rejects with the system's error when the address cannot be bound. */
export async function startServiceSimulator(
  name: keyof typeof services,
  options: ServiceSimulatorOptions = {},
): Promise<ServiceSimulator> {
  const { port = 0, host = '127.0.0.1' } = options;
  const service = services[name];
  const state: ServiceState = {
    service,
    key: options.key ?? service.usualKey,
    models: options.models ?? service.models,
    calls: [],
    scenarios: createScenarioQueue(serviceScenarioSchema),
    pace: options.pace ?? { firstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY },
    now: options.now ?? Date.now,
    answers: 0,
  };
  const steering = {
    play: (scenario: unknown, match?: unknown): void => {
      const { kind, name: refusal } = serviceScenarioSchema.parse(scenario) as {
        kind: string;
        name?: string;
      };
      if (kind === 'refusal' && service.refusals[refusal ?? ''] === undefined) {
        throw new TypeError(`${service.name} has no refusal called ${refusal}`);
      }
      state.scenarios.add(scenario, match);
    },
    reset: (): void => {
      state.scenarios.clear();
      state.calls.length = 0;
    },
    calls: () => state.calls,
    setModels: (models: readonly SimulatedModel[]): void => {
      state.models = models;
    },
  };
  const mistakes: unknown[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    request.url?.startsWith('/__simulator/') === true
      ? answerControl(steering, request, response)
      : answerRequest(state, request, response);
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (request.complete) mistakes.push(error);
      response.destroy();
    });
  });
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  const { port: boundPort } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${boundPort}${service.basePath}`,
    key: state.key,
    calls: state.calls,
    play: steering.play,
    reset: steering.reset,
    setModels: steering.setModels,
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      if (mistakes.length > 0) throw new AggregateError(mistakes, 'the simulator failed');
    },
  };
}
