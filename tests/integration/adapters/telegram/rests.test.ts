import { expect, it } from 'vitest';
import { answers, askInPrivate, openReply, openStage, until } from './stage.ts';

/** Telegram asks for a rest of so many seconds, of the stage's clock. */
const restFor = (seconds: number) =>
  ({
    kind: 'error',
    code: 429,
    description: `Too Many Requests: retry after ${seconds}`,
    retryAfter: seconds,
  }) as const;

it('a rest that Telegram asked for is kept by the next process, before it has begun to serve as well', async () => {
  const stage = await openStage({ speed: 20 });
  const { chat, message, reply } = await askInPrivate(stage);
  stage.telegram.fault('sendMessage', restFor(50));
  reply.append('the beginning');
  await until(() => stage.calls('sendMessage').length === 1);
  await reply.abandon();
  await stage.adapter.stop();
  const restedMs = stage.calls('sendMessage')[0]?.atMs ?? Number.NaN;

  const next = stage.another();
  const again = openReply({ adapter: next }, message.replyTarget);
  again.reply.append('the answer');
  const delivery = again.reply.finish({ text: 'the answer' });
  await next.start(stage.handlersOf('second'));
  expect(await delivery).toEqual({ kind: 'delivered' });
  expect(answers(stage, chat)).toMatchObject([{ text: 'the answer' }]);
  const sent = stage.calls('sendMessage').map(({ atMs }) => atMs - restedMs);
  expect(sent).toHaveLength(2);
  expect(sent[1]).toBeGreaterThan(49_000);
});

it('a rest that is longer than a final waits puts the final off for as long as is left of it', async () => {
  const stage = await openStage({ speed: 20 });
  const { message, reply } = await askInPrivate(stage);
  stage.telegram.fault('sendMessage', restFor(600));
  reply.append('the beginning');
  await until(() => stage.calls('sendMessage').length === 1);
  await reply.abandon();
  await stage.adapter.stop();

  const next = stage.another();
  await next.start(stage.handlersOf('second'));
  const again = openReply({ adapter: next }, message.replyTarget);
  const delivery = await again.reply.finish({ text: 'the answer' });
  expect(delivery).toMatchObject({ kind: 'postponed', reason: 'the chat has to rest' });
  expect((delivery as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(400_000);
  expect((delivery as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(600_000);
  expect(stage.calls('sendMessage')).toHaveLength(1);
});
