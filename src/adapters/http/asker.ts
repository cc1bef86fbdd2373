/** What a proxy beside us, and nobody else, may tell of who asked: the last address that it added. */
export function askerOf(connected: string, forwarded: string | null): string {
  if (!BESIDE_US.test(connected)) return connected;
  return forwarded?.split(',').at(-1)?.trim() || connected;
}

const BESIDE_US = /^(?:::ffff:)?(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)|^::1$|^f[cd]/u;
