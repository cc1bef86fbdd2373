import { expect, it } from 'vitest';
import type { Said } from '../../../../src/platform/adapter.ts';
import type { CommandInvocation } from '../../../../src/platform/command.ts';
import { answers, openStage, until, type Stage } from './stage.ts';

const LIST: Said = {
  text: 'page 1',
  buttons: [
    { label: '▶', command: 'usage', line: 'page:2' },
    { label: 'too long', command: 'usage', line: 'x'.repeat(60) },
    { label: 'Pay', url: 'https://t.me/$invoice' },
    { sku: '1234567890123456789' },
  ],
};

/** A list with buttons, and what the command says when one of them is pressed. */
async function openList(pressed: (invocation: CommandInvocation) => Promise<Said>) {
  const stage = await openStage({
    handlers: {
      onCommand: (invocation) => (invocation.line === '' ? Promise.resolve(LIST) : pressed(invocation)),
    },
  });
  const user = stage.telegram.user();
  const chat = user.privateChat();
  chat.send(user, '/usage');
  const list = await until(() => answers(stage, chat)[0]);
  return { stage, user, chat, list };
}

const keys = (stage: Stage, chat: { readonly id: number }) =>
  answers(stage, chat)[0]?.replyMarkup?.inline_keyboard.flat() ?? [];

it('use their command, and what it says takes the place of what was said', async () => {
  const { stage, user, chat, list } = await openList(({ line }) =>
    Promise.resolve({ text: `turned to ${String(line)}`, buttons: [] }),
  );
  expect(keys(stage, chat)).toEqual([
    { text: '▶', callback_data: '/usage page:2' },
    { text: 'Pay', url: 'https://t.me/$invoice' },
  ]);
  expect(await chat.press(user, list.id, '/usage page:2')).toMatchObject({ text: '' });
  await until(() => answers(stage, chat)[0]?.text === 'turned to page:2');
  expect(answers(stage, chat)).toMatchObject([{ id: list.id }]);
  expect(keys(stage, chat)).toEqual([]);
});

it('tell who pressed what can not be done, and leave the list as it is', async () => {
  const { stage, user, chat, list } = await openList(() => Promise.resolve({ text: 'That was a bit fast.' }));
  expect(await chat.press(user, list.id, '/usage page:2')).toMatchObject({ text: 'That was a bit fast.' });
  expect(answers(stage, chat)).toMatchObject([{ id: list.id, text: 'page 1' }]);
});

it('are believed only where they are there: a client can send any data', async () => {
  const { stage, user, chat, list } = await openList(() => Promise.resolve({ text: 'forged', buttons: [] }));
  const message = {
    message_id: list.id,
    date: 1,
    chat: { id: chat.id, type: 'private' },
    text: list.text,
    reply_markup: list.replyMarkup,
  };
  const query = (data: string) => ({
    callback_query: {
      id: data,
      from: { id: user.id, is_bot: false, first_name: 'Eve' },
      chat_instance: '1',
      message,
      data,
    },
  });
  stage.telegram.pushUpdate(query('/usage everything'));
  stage.telegram.pushUpdate(query('/ask Who am I?'));
  await until(() => stage.calls('answerCallbackQuery').length === 2);
  expect(stage.commands.map(({ line }) => line)).toEqual(['']);
  expect(answers(stage, chat)).toMatchObject([{ text: 'page 1' }]);
});
