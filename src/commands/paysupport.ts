import { lines, type ActionCommand } from './command.ts';

/** Says how to get help with a payment, and lists one's own. */
export const paysupport: ActionCommand = {
  spec: {
    name: 'paysupport',
    options: [],
    scope: 'any',
    requires: 'everyone',
    isDiscreet: true,
    respond: 'deferPrivate',
  },
  async run({ invocation, services, say }) {
    const payments = await services.plans.payments(invocation.author.id);
    return lines(
      say({ key: 'paysupport.how' }),
      '',
      payments.length === 0
        ? say({ key: 'paysupport.none' })
        : say({ key: 'paysupport.title', params: { payments: payments.length } }),
      ...payments.map(({ shortId, planName, amount, currency, state, paidAtMs }) => {
        const params = { id: shortId, plan: planName, amount, currency, state, atMs: paidAtMs };
        return `- ${say({ key: 'paysupport.payment', params })}`;
      }),
    );
  },
};
