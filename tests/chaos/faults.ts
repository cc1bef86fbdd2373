import { setTimeout as sleep } from 'node:timers/promises';
import type { Gateway } from '../support/gateway.ts';
import type { Outages } from './outage.ts';
import type { Random } from './random.ts';
import type { Stage } from './stage.ts';

/** Something that goes wrong outside; each is ordered once and meets whoever comes next. */
interface Trouble {
  readonly name: string;
  readonly order: () => void | Promise<void>;
}

/** Orders one fault after the other, and counts them by kind. */
export interface Troublemaker {
  readonly counts: ReadonlyMap<string, number>;
  /** When Discord's connection was disturbed. */
  readonly breaksMs: readonly number[];
  readonly order: () => Promise<void>;
}

/** Events are not told for a while. */
const BREAKS: ReadonlySet<string> = new Set([
  'gateway dropped',
  'gateway asks to reconnect',
  'session invalid',
]);

const CREATE = 'POST /channels/{channel_id}/messages';
const EDIT = 'PATCH /channels/{channel_id}/messages/{message_id}';
const CALLBACK = 'POST /interactions/{interaction_id}/{interaction_token}/callback';
const PROXY_PAGE = '<html><head><title>502 Bad Gateway</title></head></html>';

/** How long a database is away: shorter than a lease, as at a restart. */
const AWAY_MS = { least: 300, most: 2500 };

export function createTroublemaker(
  stage: Stage,
  random: Random,
  database: { readonly gateway: Gateway; readonly outages: Outages } | null,
): Troublemaker {
  const counts = new Map<string, number>();
  const breaksMs: number[] = [];
  const troubles = [
    ...telegramTroubles(stage, random),
    ...discordTroubles(stage, random),
    ...(database === null
      ? []
      : [
          {
            name: 'database restarted',
            async order() {
              database.outages.begin();
              await database.gateway.down();
              await sleep(random.between(AWAY_MS.least, AWAY_MS.most));
              await database.gateway.up();
              database.outages.end();
            },
          },
        ]),
  ];
  return {
    counts,
    breaksMs,
    order: async () => {
      const { name, order } = random.pick(troubles);
      if (BREAKS.has(name)) breaksMs.push(Date.now());
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await order();
    },
  };
}

function telegramTroubles({ telegram }: Stage, random: Random): Trouble[] {
  const written = (): string => random.pick(['sendMessage', 'editMessageText']);
  return [
    {
      name: 'Telegram 429',
      order: () =>
        telegram.fault(written(), {
          kind: 'error',
          code: 429,
          description: 'Too Many Requests: retry after 1',
          retryAfter: 1,
        }),
    },
    {
      name: 'Telegram 502',
      order: () => telegram.fault(written(), { kind: 'status', code: 502, body: PROXY_PAGE }),
    },
    {
      name: 'Telegram request lost',
      order: () => telegram.fault(written(), { kind: 'drop', when: 'before' }),
    },
    {
      name: 'Telegram answer to an edit lost',
      order: () => telegram.fault('editMessageText', { kind: 'drop', when: 'after' }),
    },
    {
      name: 'updates delivered again',
      order: () => telegram.fault('getUpdates', { kind: 'drop', when: 'after' }),
    },
    {
      name: 'poll failed',
      order: () => telegram.fault('getUpdates', { kind: 'status', code: 502, body: PROXY_PAGE }),
    },
  ];
}

function discordTroubles({ discord }: Stage, random: Random): Trouble[] {
  const written = (): string => random.pick([CREATE, EDIT]);
  return [
    {
      name: 'Discord 429',
      order: () =>
        discord.fault(written(), {
          kind: 'rateLimit',
          scope: 'shared',
          retryAfterMs: random.between(200, 1500),
        }),
    },
    {
      name: 'Discord 502',
      order: () => discord.fault(written(), { kind: 'status', status: 502, body: PROXY_PAGE }),
    },
    {
      name: 'Discord request lost',
      order: () => discord.fault(random.pick([CREATE, EDIT, CALLBACK]), { kind: 'drop', when: 'before' }),
    },
    {
      name: 'Discord answer lost',
      order: () => discord.fault(written(), { kind: 'drop', when: 'after' }),
    },
    { name: 'gateway dropped', order: () => discord.gateway.drop() },
    { name: 'gateway asks to reconnect', order: () => discord.gateway.reconnect() },
    { name: 'session invalid', order: () => discord.gateway.invalidate(random.chance(0.5)) },
    { name: 'events replayed', order: () => discord.gateway.replay(random.between(1, 20)) },
  ];
}
