import type { Logger } from 'pino';
import type { Command, CommandServices } from './commands/command.ts';
import { commands, planCommands } from './commands/command-list.ts';
import type { Config } from './config.ts';
import { createPaymentHandlers } from './payment-dispatch.ts';
import { createKnownPlans, type KnownPlans } from './plans/known-plans.ts';
import type { PlanLedger } from './plans/ports.ts';
import type { PlatformAdapter } from './platform/adapter.ts';
import type { Platform } from './platform/ids.ts';
import type { PaymentHandlers } from './platform/payment-handlers.ts';

/** The parts of plans, connected. */
export interface ServedPlans {
  /** Null where there are none. */
  readonly known: KnownPlans | null;
  readonly payments: PaymentHandlers;
  readonly services: Pick<CommandServices, 'plans' | 'payments' | 'hasShop' | 'commands'>;
}

export async function servePlans(
  { config, log }: { readonly config: Config; readonly log: Logger },
  { plans: ledger }: { readonly plans: PlanLedger },
  adapterOf: (platform: Platform) => PlatformAdapter | null,
): Promise<ServedPlans> {
  const sells = config.limits.plansEnabled;
  if (!sells) await warnOfRenewals(ledger, log);
  const deskOf = (platform: Platform) => adapterOf(platform)?.payments ?? null;
  return {
    known: sells ? await knownPlans(config, ledger) : null,
    payments: createPaymentHandlers({ ledger, sells, deskOf, log }),
    services: {
      plans: ledger,
      payments: deskOf,
      hasShop: (platform) => platform === 'discord',
      commands: commandsFor(config),
    },
  };
}

/** Nothing is stopped by itself: plans may be off by mistake, and nobody can turn a renewal on again for somebody else. */
async function warnOfRenewals(ledger: PlanLedger, log: Logger): Promise<void> {
  const { length: subscriptions } = await ledger.renewing('telegram');
  if (subscriptions === 0) return;
  log.warn(
    { subscriptions },
    'plans are off, and Telegram goes on charging for subscriptions: before, let them end with /plan edit <plan> is_offered off',
  );
}

/** Those of plans are there where plans are served. */
export const commandsFor = ({ limits }: Config): readonly Command[] =>
  limits.plansEnabled ? [...commands, ...planCommands] : commands;

async function knownPlans({ limits }: Config, ledger: PlanLedger): Promise<KnownPlans> {
  const [least] = await ledger.plans();
  return createKnownPlans(least?.ratePerMinute ?? limits.userPerMinute);
}
