import { Bot, GrammyError, type Context, type Filter } from 'grammy';
import OpenAI from 'openai';

/** What Parley is measured against: the same answers with grammY and openai alone, and nothing that lasts. */
const { env } = process;
const openai = new OpenAI({ apiKey: env['OPENROUTER_API_KEY'], baseURL: env['OPENROUTER_BASE_URL'] });
const bot = new Bot(env['TELEGRAM_BOT_TOKEN'] ?? '', { client: { apiRoot: env['TELEGRAM_API_ROOT'] ?? '' } });
const histories = new Map<number, OpenAI.ChatCompletionMessageParam[]>();

bot.on('message:text', (ctx) => {
  answer(ctx).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
});

async function answer(ctx: Filter<Context, 'message:text'>): Promise<void> {
  const history = histories.get(ctx.chat.id) ?? [];
  histories.set(ctx.chat.id, history);
  history.push({ role: 'user', content: ctx.message.text });
  history.splice(0, history.length - 20);
  if (env['BARE_TYPES'] === 'true') ctx.replyWithChatAction('typing').catch(() => false);
  const model = env['DEFAULT_MODEL'] ?? '';
  const stream = await openai.chat.completions.create({ model, messages: history, stream: true });
  const show = createShow(ctx);
  const editMs = Math.max(Number(env['BARE_EDIT_MS']), ctx.chat.type === 'private' ? 1100 : 3200);
  let text = '';
  let busy: Promise<void> | null = null;
  let shownAtMs = -Infinity;
  for await (const { choices } of stream) {
    text += choices[0]?.delta.content ?? '';
    if (busy !== null || text.trim() === '' || performance.now() < shownAtMs + editMs) continue;
    shownAtMs = performance.now();
    busy = show(text, false).finally(() => (busy = null));
  }
  await busy;
  await show(text, true);
  history.push({ role: 'assistant', content: text });
}

/** Sends the message, then edits it. What Telegram has no time for is dropped, except for the last state. */
function createShow(ctx: Filter<Context, 'message:text'>) {
  let shown = { id: 0, text: '' };
  return async function show(text: string, isLast: boolean): Promise<void> {
    if (text === shown.text) return;
    try {
      const { id } = shown;
      const toQuestion = { reply_parameters: { message_id: ctx.msgId } };
      if (id === 0) shown = { id: (await ctx.reply(text, toQuestion)).message_id, text };
      else await ctx.api.editMessageText(ctx.chat.id, id, text).then(() => (shown = { id, text }));
    } catch (error) {
      if (!(error instanceof GrammyError) || error.error_code !== 429) throw error;
      if (!isLast) return;
      await new Promise((done) => setTimeout(done, (error.parameters.retry_after ?? 1) * 1000));
      await show(text, isLast);
    }
  };
}

await bot.start({ onStart: () => void process.stdout.write('ready\n') });
