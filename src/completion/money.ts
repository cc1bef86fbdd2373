/**
 * Exact nano-USD (10⁻⁹ $) of a decimal amount in USD as JSON carries it, rounded half up. Negative amounts, and values
 * that are no decimal number, count as nothing.
 */
export function costNanoUsdFromUsd(usd: number | string): bigint {
  const nanoUsd = scaledDecimal(String(usd), 9, 'half_up');
  return nanoUsd === null || nanoUsd < 0n ? 0n : nanoUsd;
}

/**
 * `text` × 10^`digits` as an integer; null when `text` is no decimal number (an exponent is allowed) or is out of all
 * proportion. `up` rounds what is left of the last digit away from zero, so that a price never shrinks.
 */
export function scaledDecimal(text: string, digits: number, rounding: 'half_up' | 'up'): bigint | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (match === null || text.length > longestNumber) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole + fraction === '') return null;
  const shift = digits + Number(exponent) - fraction.length;
  if (Math.abs(shift) > longestNumber) return null;
  const magnitude = shifted(BigInt(whole + fraction), shift, rounding);
  return sign === '-' ? -magnitude : magnitude;
}

const longestNumber = 100;

function shifted(value: bigint, shift: number, rounding: 'half_up' | 'up'): bigint {
  if (shift >= 0) return value * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return (value + (rounding === 'up' ? divisor - 1n : divisor / 2n)) / divisor;
}
