import { isOperator } from '../conversation/access.ts';
import type { Offered, Plan } from '../plans/ports.ts';
import type { CommandSpec, SaidButton } from '../platform/command.ts';
import type { PaymentDesk, PlanSubject } from '../platform/payment.ts';
import { lines, withButtons, type ActionCommand, type CommandAnswer, type CommandUse } from './command.ts';
import { PLAN, readPlan, readWhose, WHOSE } from './plan-options.ts';
import { planWords, viewWords } from './plan-words.ts';

const FAMILY = {
  name: 'plan',
  scope: 'any',
  requires: 'everyone',
  respond: 'deferPrivate',
} as const satisfies Partial<CommandSpec>;

const NONE = -1;

/** What somebody has where they ask, with buttons for what is better. */
export const planShow: ActionCommand = {
  spec: { ...FAMILY, subcommand: 'show', options: [] },
  async run({ invocation, services, say }) {
    const { author, guild, isOverheard = false } = invocation;
    const whole = await services.plans.show(author.id, guild?.id ?? null);
    // What somebody pays for themselves is not for those who read along.
    const view = isOverheard ? { ...whole, own: [] } : whole;
    const plans = await services.plans.plans();
    const has = plans.find(({ plan }) => plan === view.entitlements.plan)?.position ?? 0;
    const managesGuild = author.isGuildAdmin || isOperator(services.access, author.id);
    const better = plans.filter(({ position, isOffered }) => isOffered && position > has);
    return withButtons(viewWords(view, managesGuild, say), chooseButtons(better, say));
  },
};

export const planList: ActionCommand = {
  spec: { ...FAMILY, subcommand: 'list', options: [] },
  async run({ services, say }) {
    const plans = (await services.plans.plans()).filter(({ isOffered }) => isOffered);
    const text = lines(
      say({ key: 'plan.list_title' }),
      ...plans.flatMap((plan) => ['', planWords(plan, say)]),
    );
    return withButtons(
      text,
      chooseButtons(
        plans.filter(({ position }) => position > 0),
        say,
      ),
    );
  },
};

/** Where the plan can be bought: by an invoice of the platform, or in its shop. */
export const planSubscribe: ActionCommand = {
  spec: { ...FAMILY, subcommand: 'subscribe', options: [PLAN, WHOSE] },
  async run(use) {
    const { invocation, options, services, say } = use;
    const found = readPlan(String(options['plan']), await services.plans.plans());
    if (found.kind === 'wrong') return say(found.problem);
    const plan = found.value;
    if (plan.position === 0) return say({ key: 'plan.is_free' });
    const whose = await readWhose(use, 'plan.subscribe');
    if (whose.kind === 'wrong') return say(whose.problem);
    const skus = plan.skus.filter(({ scope }) => scope === whose.value.kind);
    const desk = services.payments(invocation.platform);
    const { author, guild } = invocation;
    // An anonymous administrator has the group's own id, which nobody pays by.
    if (desk !== null && guild !== null && String(author.id) === String(guild.id))
      return say({ key: 'plan.anonymous' });
    if (desk !== null) return await invoice(use, plan, whose.value, desk);
    if (!services.hasShop(invocation.platform) || skus.length === 0 || !plan.isOffered)
      return say({ key: 'plan.not_here' });
    return {
      text: say({ key: 'plan.shop', params: { plan: plan.name } }),
      buttons: skus.map(({ sku }) => ({ sku })),
    };
  },
};

async function invoice(
  { invocation, services, say }: CommandUse,
  plan: Plan,
  subject: PlanSubject,
  desk: PaymentDesk,
): Promise<CommandAnswer> {
  const buyer = invocation.author.id;
  const offered: Offered = await services.plans.offer(buyer, subject, plan.plan);
  if (offered.kind === 'refused') {
    const { reason, endsAtMs } = offered;
    return say({ key: 'plan.not_offered', params: { reason, endsAtMs: endsAtMs ?? NONE } });
  }
  const { payload, currency, amount } = offered;
  const words = { plan: plan.name, whose: subject.kind, requests: plan.limits.requests_month ?? NONE };
  const link = await desk.invoiceLink({
    payload,
    currency,
    amount,
    buyer,
    title: say({ key: 'plan.invoice_title', params: words }),
    description: say({ key: 'plan.invoice_description', params: words }),
  });
  if (link.kind !== 'link') return say({ key: `plan.desk_${link.kind}` });
  const had = await services.plans.subscriptions(subject);
  const replaced = had.find((each) => each.charge !== null && each.plan !== plan.plan);
  const params = { plan: plan.name, stars: amount, replaces: replaced?.planName ?? '' };
  return {
    text: say({ key: 'plan.invoice', params }),
    buttons: [{ label: say({ key: 'plan.pay', params: { stars: amount } }), url: link.url }],
  };
}

/** Ends the renewal of what is paid with the platform; what is paid for lasts. */
export const planCancel: ActionCommand = {
  spec: { ...FAMILY, subcommand: 'cancel', options: [WHOSE] },
  async run(use) {
    const { invocation, services, say } = use;
    const whose = await readWhose(use, 'plan.cancel');
    if (whose.kind === 'wrong') return say(whose.problem);
    const had = await services.plans.subscriptions(whose.value);
    const paid = had.find(({ charge }) => charge !== null);
    if (paid === undefined || paid.charge === null) {
      if (had.some(({ source }) => source === 'shop')) return say({ key: 'plan.cancel_shop' });
      return say({ key: had.length > 0 ? 'plan.cancel_given' : 'plan.nothing_to_cancel' });
    }
    const { planName: plan, periodEndsAtMs } = paid;
    if (paid.status === 'cancelled') {
      return say({ key: 'plan.already_cancelled', params: { plan, endsAtMs: periodEndsAtMs ?? NONE } });
    }
    // First there: what is noted here as ended must not be charged any more.
    const stopped = await services.payments(invocation.platform)?.cancel(paid.charge);
    if (stopped === undefined) return say({ key: 'plan.not_here' });
    if (stopped.kind === 'unreachable' || stopped.kind === 'refused')
      return say({ key: `plan.desk_${stopped.kind}` });
    const outcome = await services.plans.cancel(invocation, whose.value);
    const endsAtMs = (outcome.kind === 'done' ? outcome.endsAtMs : periodEndsAtMs) ?? NONE;
    return say({ key: 'plan.cancelled', params: { plan, endsAtMs } });
  },
};

const chooseButtons = (plans: readonly Plan[], say: CommandUse['say']): readonly SaidButton[] =>
  plans.map(({ plan, name }) => ({
    label: say({ key: 'plan.choose', params: { plan: name } }),
    command: 'plan',
    line: `subscribe ${plan}`,
  }));
