type Values = Readonly<Record<string, string>>;

/** What is wrong with how this bot is reached from outside. */
export function webhookProblems({
  TELEGRAM_MODE: mode,
  TELEGRAM_WEBHOOK_SECRET: secret,
  PUBLIC_URL: publicUrl,
}: Values): string[] {
  const problems: string[] = [];
  if (publicUrl !== undefined && URL.canParse(publicUrl) && isPlainToOutside(new URL(publicUrl))) {
    problems.push('PUBLIC_URL: write an address that starts with https://, because secrets pass through it.');
  }
  if (mode !== 'webhook') return problems;
  const why = 'because TELEGRAM_MODE=webhook';
  if (publicUrl === undefined) {
    problems.push(`PUBLIC_URL: write the https address under which Telegram reaches this bot, ${why}.`);
  }
  if (secret === undefined) {
    problems.push(`TELEGRAM_WEBHOOK_SECRET: write 1 to 256 letters, digits, _ or - of your own, ${why}.`);
  }
  return problems;
}

function isPlainToOutside({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/u.test(hostname);
}

/** What is wrong between the encryption keys. */
export function keyProblems({ ENCRYPTION_KEY: key, ENCRYPTION_KEY_PREVIOUS: previous }: Values): string[] {
  if (previous === undefined || key !== undefined) return [];
  return ['ENCRYPTION_KEY: write the key in use now, beside the former one in ENCRYPTION_KEY_PREVIOUS.'];
}
