import type { FreePlaces } from '../../src/completion/free-places.ts';
import type { ProviderName } from '../../src/completion/provider.ts';
import { sleep as realSleep, type Sleep } from '../../src/completion/sleep.ts';
import { createFreePools } from '../../src/limits/free-pools.ts';
import type { Logger } from '../../src/platform/logger.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export interface FreePlacesOptions {
  readonly now: () => number;
  /** Default: more than any test takes. */
  readonly perMinute?: number;
  readonly sleep?: Sleep;
}

/** Free pools that no other process shares, for chains without a database. */
export function freePlacesOf({ now, perMinute = 1_000_000, sleep = realSleep }: FreePlacesOptions) {
  const pools = createFreePools({ store: null, perMinute, now, sleep, log: silent });
  return (provider: ProviderName): FreePlaces => pools.open('operator', provider);
}
