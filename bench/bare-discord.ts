import { Client, Events, GatewayIntentBits, Partials, type Message } from 'discord.js';
import OpenAI from 'openai';

/** What Parley is measured against: the same answers with discord.js and openai alone, and nothing that lasts. */
const { env } = process;
const openai = new OpenAI({ apiKey: env['OPENROUTER_API_KEY'], baseURL: env['OPENROUTER_BASE_URL'] });
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages],
  partials: [Partials.Channel],
  rest: {
    api: env['DISCORD_API_URL'] ?? '',
    globalRequestsPerSecond: Number(env['BARE_CALLS_PER_SECOND']),
  },
  allowedMentions: { parse: [] },
});
const histories = new Map<string, OpenAI.ChatCompletionMessageParam[]>();

client.on(Events.MessageCreate, (message) => {
  const isAddressed = message.guild === null || message.mentions.users.has(client.user?.id ?? '');
  if (message.author.bot || !isAddressed) return;
  answer(message).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
});

async function answer(question: Message): Promise<void> {
  const history = histories.get(question.channelId) ?? [];
  histories.set(question.channelId, history);
  history.push({ role: 'user', content: question.content });
  history.splice(0, history.length - 20);
  const { channel } = question;
  if (env['BARE_TYPES'] === 'true' && channel.isSendable()) channel.sendTyping().catch(() => false);
  const model = env['DEFAULT_MODEL'] ?? '';
  const stream = await openai.chat.completions.create({ model, messages: history, stream: true });
  const editMs = Math.max(Number(env['BARE_EDIT_MS']), 1200);
  let text = '';
  let busy: Promise<void> | null = null;
  let shownAtMs = -Infinity;
  let shown: { readonly message: Message; readonly text: string } | null = null;
  const show = async (): Promise<void> => {
    const current = text;
    if (shown?.text === current) return;
    const message = shown === null ? await question.reply(current) : await shown.message.edit(current);
    shown = { message, text: current };
  };
  for await (const { choices } of stream) {
    text += choices[0]?.delta.content ?? '';
    if (busy !== null || text.trim() === '' || performance.now() < shownAtMs + editMs) continue;
    shownAtMs = performance.now();
    busy = show().finally(() => (busy = null));
  }
  await busy;
  await show();
  history.push({ role: 'assistant', content: text });
}

client.once(Events.ClientReady, () => void process.stdout.write('ready\n'));
await client.login(env['DISCORD_TOKEN']);
