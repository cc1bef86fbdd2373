import type { SimulatedModel } from '../catalogue.ts';
import type { Pace } from '../completion.ts';
import type { ScenarioQueue } from '../scenario.ts';
import type { PreparedServiceScenario } from './scenario.ts';
import type { Service, ServiceCall } from './service.ts';

export interface ServiceState {
  readonly service: Service;
  readonly key: string;
  models: readonly SimulatedModel[];
  readonly calls: ServiceCall[];
  readonly scenarios: ScenarioQueue<PreparedServiceScenario>;
  readonly pace: Pace;
  readonly now: () => number;
  /** Counts answers, for their ids. */
  answers: number;
}
