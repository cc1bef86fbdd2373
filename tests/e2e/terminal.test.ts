import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startBot, startOutside, type Bot, type Outside } from '../support/bot.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { createRecords, type Records } from '../support/records.ts';
import { FREE, OTHER_FREE, requestsTo, slowly } from '../support/scene.ts';
import { until } from '../support/until.ts';

let outside: Outside;
let database: TestDatabase;
let records: Records;
beforeAll(async () => {
  outside = await startOutside();
  database = await openTestDatabase('embedded');
  records = createRecords(database);
});
afterAll(async () => {
  expect(await records.holds()).toBe(0);
  expect(await records.wrongCounters()).toEqual([]);
  await outside.stop();
  await database.close();
});

/** A terminal whose model is the tests' own; no platform has a token. */
async function openTerminal(settings: Record<string, string> = {}): Promise<Bot> {
  const { TELEGRAM_BOT_TOKEN: _token, ...environment } = outside.environment;
  const bot = await startBot(
    { ...environment, DEFAULT_MODEL: FREE, FALLBACK_MODEL: OTHER_FREE, LANG: 'en_US.UTF-8', ...settings },
    { database },
  );
  onTestFinished(() => bot.stop());
  return bot;
}

/** Types lines, waits for the end, and returns what the screen showed after the welcome. */
async function converse(bot: Bot, ...lines: readonly string[]): Promise<string> {
  const welcome = bot.screen();
  for (const line of lines) bot.type(line);
  bot.endInput();
  await bot.ended;
  return bot.screen().slice(welcome.length);
}

const lastTurn = async () => (await records.turnsIn('terminal:')).at(-1);

describe('a terminal without a model key', () => {
  test('is answered by the simulator, says so, and says what makes it real', async () => {
    const bot = await openTerminal({ OPENROUTER_API_KEY: '', OPENROUTER_BASE_URL: '', DEFAULT_MODEL: '' });
    expect(bot.screen()).toContain('answers are simulated');
    expect(bot.screen()).toContain('OPENROUTER_API_KEY');
    expect(bot.screen()).toContain('TELEGRAM_BOT_TOKEN');
    const shown = await converse(bot, 'What is tea?');
    expect(shown).toContain('You asked: “What is tea?”');
    expect(shown).toContain('This is a simulated answer');
  });

  test('says of one that may not be used that none may be, not that there is none', async () => {
    const none = { OPENROUTER_API_KEY: '', OPENROUTER_BASE_URL: '', DEFAULT_MODEL: '' };
    const bot = await openTerminal({ ...none, GEMINI_API_KEY: 'AIza-simulated' });
    expect(bot.screen()).toContain('No key is set that I may use for a model');
    expect(bot.screen()).toContain('GEMINI_FREE=true');
    expect(bot.screen()).toContain('HF_TOKEN');
    bot.endInput();
    await bot.ended;
  });
});

describe('a terminal chat', () => {
  test('answers line by line, in order, and remembers', async () => {
    const bot = await openTerminal();
    outsideSays('First answer.', 'Second answer.');
    expect(bot.screen()).not.toContain('simulated');
    const shown = await converse(bot, 'first question', '', '   ', 'second question');
    expect(shown.match(/(First|Second) answer\./gu)).toEqual(['First answer.', 'Second answer.']);
    const { messages } = requestsTo(outside.openrouter).at(-1) ?? { messages: [] };
    expect(messages.slice(-3).map(({ content }) => content)).toEqual([
      'first question',
      'First answer.',
      'second question',
    ]);
  });

  test('grows line by line while the model writes', async () => {
    const bot = await openTerminal();
    outside.openrouter.play(slowly(['First line.\n', 'Second line.\n', 'Third line.'], 150));
    bot.type('How?');
    await until(() => bot.screen().includes('First line.'));
    expect(bot.screen()).not.toContain('Third');
    await until(() => bot.screen().includes('First line.\nSecond line.\nThird line.'));
    await until(async () => (await lastTurn())?.state === 'delivered');
  });

  test('knows the commands', async () => {
    const shown = await converse(await openTerminal(), '/help', '/usage', '/stats 200', '/nonsense', '/stop');
    expect(shown).toContain('These commands work too');
    expect(shown).toContain('/model list|search|info|use|reset – The models that can answer');
    expect(shown).toMatch(/Today: \d+ messages?, [\d,]+ tokens/u);
    expect(shown).toContain('It should be 1–90.');
    expect(shown).toContain("I don't know the command /nonsense.");
    expect(shown).toContain('There is nothing to stop.');
  });

  test('shows a name as it is, and which values an option takes', async () => {
    const shown = await converse(await openTerminal(), `/model info ${FREE}`, '/preferences fallback:maybe');
    expect(shown).toContain('**Google: Gemma 4 31B (free)**');
    expect(shown).toContain('It should be on or off.');
  });

  test('tells why an answer is as it is, and that a search costs what it is not allowed to', async () => {
    outsideSays('A drink.');
    const bot = await openTerminal();
    bot.type('What is tea?');
    await until(() => bot.screen().includes('A drink.'));
    await until(async () => (await lastTurn())?.state === 'delivered');
    const shown = await converse(bot, '/why', '/ask search:yes What is coffee?');
    expect(shown).toContain('Cost: free');
    expect(shown).toContain('Paid by: my operator');
    expect(shown).toContain('A search of the web costs money');
  });

  test('begins anew after /new', async () => {
    outsideSays('Noted.', 'Nothing.');
    await converse(await openTerminal(), 'Remember marmalade', '/new', 'What do you remember?');
    const { messages } = requestsTo(outside.openrouter).at(-1) ?? { messages: [] };
    expect(messages.map(({ content }) => content)).toContain('What do you remember?');
    expect(JSON.stringify(messages)).not.toContain('marmalade');
  });

  test('speaks the language of the terminal', async () => {
    const bot = await openTerminal({ LANG: 'id_ID.UTF-8' });
    expect(bot.screen()).toContain('Parley di terminal');
    expect(await converse(bot, '/stop')).toContain('Tidak ada yang perlu dihentikan.');
  });

  test('takes a long message, and refuses one that is far too long with the limit', async () => {
    outsideSays('Long, but fine.');
    const shown = await converse(await openTerminal(), 'x'.repeat(20_000), 'y'.repeat(100_000), 'short');
    expect(shown).toContain('Long, but fine.');
    expect(shown).toContain('That message is too long for me: 32,768 characters are the most I can take.');
    await until(async () => (await lastTurn())?.state === 'delivered');
    const [long, refused] = (await records.turnsIn('terminal:')).slice(-3);
    expect(long?.question?.text).toHaveLength(20_000);
    expect(refused).toMatchObject({
      state: 'refused',
      refusal: { reason: 'message_too_long' },
      question: null,
    });
  });

  test.for([
    ['NUL and control characters', 'a\0b\u0007c\u001b[31md'],
    ['right-to-left text and emoji', 'مرحبا 👩‍👩‍👧‍👦 𝒕𝒆𝒂'],
    ['quotes and markup', '`"\'$(x)` \\n **bold** {"a": 1}'],
  ])('takes %s', async ([, question = '']) => {
    outsideSays('Understood.');
    expect(await converse(await openTerminal(), question)).toContain('Understood.');
    expect((await lastTurn())?.question?.text).toBe(question.replaceAll('\0', ''));
  });

  test('shows what went wrong upstream, and goes on', async () => {
    const bot = await openTerminal();
    outside.openrouter.play({ kind: 'refusal', name: 'gateway-timeout' }, { times: 3 });
    outside.openrouter.play({
      kind: 'answer',
      text: 'The beginning of',
      fault: { kind: 'cut', afterTokens: 2 },
    });
    outside.openrouter.play({ kind: 'answer', text: 'All is well.' });
    const shown = await converse(bot, 'one', 'two', 'three');
    const id = /The models took too long to answer\. .*\((E-[\dA-F]{8})\)/u.exec(shown)?.[1] ?? '';
    expect(await records.error(id)).toMatchObject({ area: 'completion.timeout' });
    expect(shown).toContain('The answer broke off here.');
    expect(shown).toContain('All is well.');
  });

  test('is not limited in pace or by access: its user runs the process', async () => {
    const bot = await openTerminal({ USER_RATE_LIMIT_PER_MINUTE: '1', ACCESS: 'list' });
    outsideSays('Answer 1.', 'Answer 2.', 'Answer 3.');
    const shown = await converse(bot, 'one', 'two', 'three');
    expect(shown.match(/Answer \d\./gu)).toHaveLength(3);
  });

  test('ends when the input ends', async () => {
    expect(await converse(await openTerminal())).toBe('');
  });
});

function outsideSays(...texts: readonly string[]): void {
  outside.openrouter.reset();
  for (const text of texts) outside.openrouter.play({ kind: 'answer', text });
}

test('a question that is refused in silence does not keep piped input waiting', async () => {
  const bot = await openTerminal({ DEFAULT_USER_REQUESTS_PER_DAY: '1' });
  const [used] = await database.sql`select requests_day::int as used from quota_subjects where kind = 2`;
  expect(used?.['used'] ?? 0).toBeGreaterThan(0); // the day's only request is spent by the tests before
  const shown = await converse(bot, 'second', '/ask third', 'fourth', '/help');
  expect(shown.split('starts again in')).toHaveLength(2);
  expect(shown).toContain('Parley');
});
