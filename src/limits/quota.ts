export type QuotaWindow = 'hour' | 'day' | 'month';
export type QuotaMetric = 'requests' | 'tokens' | 'cost' | 'images';

/**
 * Allowances of one subject, keyed `<metric>_<window>`. Absent: no limit of that kind; 0: blocked.
 * Requests, tokens and images are counts; cost is integer nano-USD.
 */
export type QuotaLimits = { readonly [Key in `${QuotaMetric}_${QuotaWindow}`]?: number };
