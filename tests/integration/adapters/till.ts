import type { PaymentHandlers } from '../../../src/platform/payment-handlers.ts';

/** A core that sells nothing, for tests that are about something else. What does come fails them. */
export function shutTill(overrides: Partial<PaymentHandlers> = {}): PaymentHandlers {
  const unexpected = (): Promise<never> => Promise.reject(new Error('nothing is sold here'));
  return {
    sells: overrides.sells ?? false,
    onPreCheckout: overrides.onPreCheckout ?? unexpected,
    onPayment: overrides.onPayment ?? unexpected,
    onRefund: overrides.onRefund ?? unexpected,
    onSubscription: overrides.onSubscription ?? unexpected,
    onAccountRead: overrides.onAccountRead ?? (() => Promise.resolve()),
    onEntitlement: overrides.onEntitlement ?? unexpected,
    onEntitlements: overrides.onEntitlements ?? unexpected,
  };
}
