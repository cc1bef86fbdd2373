/**
 * Loaded before the bot (`--import`), so that its clock jumps: CLOCK_JUMPS holds `after:by` pairs in milliseconds,
 * such as `2000:60000,5000:-60000`. Timers are not touched; what is told by a clock is.
 */
let offsetMs = 0;

for (const jump of (process.env['CLOCK_JUMPS'] ?? '').split(',').filter(Boolean)) {
  const [afterMs = 0, byMs = 0] = jump.split(':').map(Number);
  setTimeout(() => {
    offsetMs += byMs;
  }, afterMs).unref();
}

const RealDate = Date;
const now = (): number => RealDate.now() + offsetMs;

globalThis.Date = new Proxy(RealDate, {
  construct(target, values: ConstructorParameters<typeof Date> | [], newTarget) {
    return Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget) as Date;
  },
  apply: () => new RealDate(now()).toString(),
  get: (target, key, receiver) => (key === 'now' ? now : (Reflect.get(target, key, receiver) as unknown)),
});
