import type { Chat, Message, MessageEntity, Update, User } from 'grammy/types';
import { describe, expect, it } from 'vitest';
import { decode, laneOf, type DecodeContext } from '../../../../src/adapters/telegram/decode.ts';
import { createUsernames } from '../../../../src/adapters/telegram/usernames.ts';
import { turnId } from '../../../../src/platform/ids.ts';
import { BUTTON_ACTIONS, type CommandSpec } from '../../../../src/platform/command.ts';

const me = { id: 99, is_bot: true, first_name: 'Parley', username: 'Parley_Bot' } satisfies User;
const ada = {
  id: 7,
  is_bot: false,
  first_name: 'Ada',
  last_name: 'Lovelace',
  language_code: 'id',
} satisfies User;
const privateChat = { id: 7, type: 'private', first_name: 'Ada' } satisfies Chat;
const group = { id: -100, type: 'supergroup', title: 'Engines' } satisfies Chat;
const turn = '0192f0c1-2345-7abc-8def-0123456789ab';
const usage: CommandSpec = {
  name: 'usage',
  options: [{ name: 'window', kind: 'text', required: false }],
  scope: 'any',
  requires: 'everyone',
  respond: 'instant',
};
const quota: CommandSpec = {
  ...usage,
  name: 'quota',
  options: [{ name: 'user', kind: 'user', required: false }],
};
const context: DecodeContext = {
  me,
  commands: new Map([
    ['usage', [usage]],
    ['quota', [usage, quota]],
  ]),
  usernames: createUsernames(),
  receivedAtMs: 5000,
  albums: 'whole',
  draftTurn: (id) => (id === 12 ? turnId(turn) : null),
};

function message(fields: Partial<Message>): Update {
  return {
    update_id: 1,
    message: { message_id: 5, date: 3, chat: privateChat, from: ada, ...fields } as Message &
      Update.NonChannel,
  };
}
function read(fields: Partial<Message>) {
  const decoded = decode(message(fields), context);
  return decoded?.kind === 'message' ? decoded.message : null;
}
function invoked(fields: Partial<Message>) {
  const decoded = decode(message(fields), context);
  return decoded?.kind === 'command' ? decoded.invocation : null;
}
const entity = (type: 'mention' | 'bot_command', offset: number, length: number): MessageEntity => ({
  type,
  offset,
  length,
});

describe('a message', () => {
  it('in private is plain data with qualified ids', () => {
    expect(read({ text: 'hello' })).toEqual({
      platform: 'telegram',
      originKey: 'telegram:99:7:5',
      author: {
        id: 'telegram:7',
        name: 'Ada Lovelace',
        locale: 'id',
        isBot: false,
        isGuildAdmin: false,
        roles: [],
      },
      guild: null,
      place: 'telegram:99:7',
      channel: null,
      thread: null,
      messageId: 'telegram:7:5',
      sentAtMs: 3000,
      replyTarget: { chatId: 7, isPrivate: true, replyToId: 5, topicId: null },
      text: 'hello',
      isTextWithheld: false,
      isMaybeCut: false,
      repliesTo: null,
      addressing: {
        isPrivate: true,
        mentionsBot: false,
        repliesToBot: false,
        inOwnThread: false,
        byCommand: false,
        fromSelf: false,
        isSystem: false,
      },
    });
  });

  it('may be cut where it has 4000 characters or more, as Telegram counts them', () => {
    expect(read({ text: 'x'.repeat(3999) })).toMatchObject({ isMaybeCut: false });
    expect(read({ text: 'x'.repeat(4000) })).toMatchObject({ isMaybeCut: true });
    // Two UTF-16 units each, and one character.
    expect(read({ text: '😀'.repeat(3999) })).toMatchObject({ isMaybeCut: false });
  });

  it('belongs to its group, and to its topic where that is real', () => {
    const inTopic = read({ chat: group, text: 'x', message_thread_id: 40, is_topic_message: true });
    expect(inTopic).toMatchObject({
      guild: { id: 'telegram:-100', name: 'Engines' },
      place: 'telegram:99:-100:40',
      replyTarget: { chatId: -100, isPrivate: false, topicId: 40 },
    });
    const inThread = read({ chat: group, text: 'x', message_thread_id: 40 });
    expect(inThread).toMatchObject({ place: 'telegram:99:-100', replyTarget: { topicId: null } });
    expect([inTopic?.channel, inThread?.channel]).toEqual(['telegram:99:-100:40', 'telegram:99:-100']);
  });

  it.each([
    ['@parley_bot what is 2+2?', [entity('mention', 0, 11)], 'what is 2+2?'],
    ['@PARLEY_BOT, what?', [entity('mention', 0, 11)], 'what?'],
    ['tell me @Parley_Bot now', [entity('mention', 8, 11)], 'tell me now'],
    ['why? @Parley_Bot', [entity('mention', 5, 11)], 'why?'],
    ['😀 @Parley_Bot @Parley_Bot hi', [entity('mention', 3, 11), entity('mention', 15, 11)], '😀 hi'],
  ])('loses the name of the bot: %j', (text, entities, rest) => {
    expect(read({ chat: group, text, entities })).toMatchObject({
      text: rest,
      addressing: { mentionsBot: true },
    });
  });

  it('keeps the names of others', () => {
    const text = '@parley_bot2 and @ada';
    expect(
      read({ chat: group, text, entities: [entity('mention', 0, 12), entity('mention', 17, 4)] }),
    ).toMatchObject({
      text,
      addressing: { mentionsBot: false },
    });
  });

  it('may mention the bot without a username', () => {
    const entities: MessageEntity[] = [{ type: 'text_mention', offset: 0, length: 6, user: me }];
    expect(read({ chat: group, text: 'Parley how?', entities })).toMatchObject({
      text: 'how?',
      addressing: { mentionsBot: true },
    });
  });

  it('knows what it replies to', () => {
    const replied = {
      message_id: 4,
      date: 2,
      chat: group,
      from: me,
      text: 'answer',
    } as Message['reply_to_message'];
    expect(read({ chat: group, text: 'go on', reply_to_message: replied! })).toMatchObject({
      repliesTo: 'telegram:-100:4',
      addressing: { repliesToBot: true },
    });
  });

  it('does not reply to the opening of its topic', () => {
    const opening = {
      message_id: 40,
      date: 2,
      chat: group,
      from: me,
      forum_topic_created: {},
    } as Message['reply_to_message'];
    const fields = {
      chat: group,
      text: 'x',
      message_thread_id: 40,
      is_topic_message: true as const,
      reply_to_message: opening!,
    };
    expect(read(fields)).toMatchObject({ repliesTo: null, addressing: { repliesToBot: false } });
  });

  it('has the caption of a picture for text', () => {
    expect(
      read({
        caption: '@Parley_Bot look',
        caption_entities: [entity('mention', 0, 11)],
        photo: [],
        chat: group,
      }),
    ).toMatchObject({
      text: 'look',
      addressing: { mentionsBot: true, isSystem: false },
    });
  });

  it('without words is empty in private and nobody in a group', () => {
    expect(read({ sticker: {} as Message['sticker'] & object })).toMatchObject({
      text: '',
      addressing: { isSystem: false },
    });
    expect(read({ sticker: {} as Message['sticker'] & object, chat: group })).toBeNull();
  });

  it('is flattened where it is rich', () => {
    const blocks = [
      { type: 'heading', size: 1, text: ['Hello ', { type: 'bold', text: 'you' }] },
      { type: 'list', items: [{ label: '1.', blocks: [{ type: 'paragraph', text: '@Parley_Bot one' }] }] },
      {
        type: 'table',
        cells: [
          [
            { text: 'a', align: 'left', valign: 'top' },
            { text: 'b', align: 'left', valign: 'top' },
          ],
        ],
      },
      { type: 'divider' },
    ];
    const rich = { rich_message: { blocks } } as unknown as Partial<Message>;
    expect(read({ ...rich, chat: group })).toMatchObject({
      text: 'Hello you\n1. one\na | b',
      addressing: { mentionsBot: true },
    });
  });

  it('carries no NUL, which no store can keep', () => {
    expect(read({ text: 'a\0b' })?.text).toBe('ab');
  });

  it('of service is marked as such', () => {
    expect(read({ chat: group, new_chat_title: 'New' })?.addressing.isSystem).toBe(true);
    expect(read({ chat: group, something_yet_unknown: {} } as Partial<Message>)?.addressing.isSystem).toBe(
      true,
    );
  });

  it('of an anonymous administrator is by the group, a person and an administrator', () => {
    const from = { id: 1087968824, is_bot: true, first_name: 'Group', username: 'GroupAnonymousBot' };
    expect(read({ chat: group, from, sender_chat: group, text: 'x' })?.author).toEqual({
      id: 'telegram:-100',
      name: 'Engines',
      locale: null,
      isBot: false,
      isGuildAdmin: true,
      roles: [],
    });
  });

  it.each([
    ['a bot', { from: { ...ada, is_bot: true } }],
    ['a linked channel', { from: { ...ada, id: 777000 }, is_automatic_forward: true as const }],
    ['a channel', { sender_chat: { id: -9, type: 'channel', title: 'News' } satisfies Chat }],
  ])('by %s is automated', (_, fields) => {
    expect(read({ chat: group, text: 'x', ...fields })?.author.isBot).toBe(true);
  });

  it('of our own is known', () => {
    expect(read({ text: 'x', from: me })).toMatchObject({
      addressing: { fromSelf: true },
      author: { isBot: true },
    });
  });

  it('in a channel, or edited, is nothing', () => {
    expect(read({ chat: { id: -9, type: 'channel', title: 'News' }, text: 'x' })).toBeNull();
    const { message: edited } = message({ text: 'x' });
    expect(decode({ update_id: 1, edited_message: edited } as Update, context)).toBeNull();
  });
});

describe('a command', () => {
  it('comes with its line', () => {
    expect(invoked({ text: '/usage week', entities: [entity('bot_command', 0, 6)] })).toMatchObject({
      name: 'usage',
      line: 'week',
      options: {},
      isPrivate: true,
      originKey: 'telegram:99:7:5',
    });
  });

  it('reaches us by name in a group, whatever the case', () => {
    const fields = { chat: group, text: '/usage@parley_bot', entities: [entity('bot_command', 0, 17)] };
    expect(invoked(fields)).toMatchObject({
      name: 'usage',
      guild: { id: 'telegram:-100' },
      isPrivate: false,
    });
  });

  it('for another bot is nothing to us', () => {
    const fields = { text: '/usage@other_bot', entities: [entity('bot_command', 0, 16)] };
    expect(decode(message({ ...fields, chat: group }), context)).toBeNull();
    expect(decode(message(fields), context)).toBeNull();
  });

  it('that is unknown is passed on in private and when it names us, and left alone in a group', () => {
    const bare = { text: '/weather', entities: [entity('bot_command', 0, 8)] };
    const named = { text: '/weather@Parley_Bot', entities: [entity('bot_command', 0, 19)], chat: group };
    expect(invoked(bare)).toMatchObject({ name: 'weather', options: {} });
    expect(invoked(named)).toMatchObject({ name: 'weather' });
    expect(decode(message({ ...bare, chat: group }), context)).toBeNull();
  });

  it('that takes a person has their id in the place of a name that is known', () => {
    const text = '/quota user:Ada L user:@bob @eve';
    const entities: MessageEntity[] = [
      entity('bot_command', 0, 6),
      { type: 'text_mention', offset: 12, length: 5, user: ada },
      entity('mention', 23, 4),
      entity('mention', 28, 4),
    ];
    const usernames = createUsernames();
    usernames.note({ reply_to_message: { from: { ...ada, id: 8, username: 'Bob' } } });
    const line = (name: string, length: number) => {
      const written = {
        text: text.replace('quota', name),
        entities: entities.with(0, entity('bot_command', 0, length)),
      };
      const decoded = decode(message(written), { ...context, usernames });
      return decoded?.kind === 'command' ? decoded.invocation.line : null;
    };
    expect(line('quota', 6)).toBe('user:7 user:8 @eve');
    expect(line('usage', 6)).toBe('user:Ada L user:@bob @eve');
  });

  it('that replies tells whose message that is', () => {
    const replied = { message_id: 4, date: 2, chat: group, from: { ...ada, id: 8 }, text: 'hi' };
    const fields = { chat: group, text: '/usage', entities: [entity('bot_command', 0, 6)] };
    const reply_to_message = replied as NonNullable<Message['reply_to_message']>;
    expect(invoked({ ...fields, reply_to_message })?.repliesToUser).toBe('telegram:8');
    const anonymous: typeof reply_to_message = Object.assign({}, reply_to_message, { sender_chat: group });
    expect(invoked({ ...fields, reply_to_message: anonymous })?.repliesToUser).toBe('telegram:-100');
  });

  it('start brings the payload of a link', () => {
    expect(invoked({ text: '/start abc-1', entities: [entity('bot_command', 0, 6)] })).toMatchObject({
      name: 'start',
      line: 'abc-1',
    });
  });

  it('of a bot is ignored', () => {
    const fields = {
      text: '/usage',
      entities: [entity('bot_command', 0, 6)],
      from: { ...ada, is_bot: true },
    };
    expect(decode(message(fields), context)).toBeNull();
  });
});

describe('a press', () => {
  const query = { id: '4382bfdwdsb323b2d9', from: ada, chat_instance: '1', data: `stop:${turn}` };
  const under = {
    message_id: 6,
    date: 3,
    chat: group,
    from: me,
    text: 'answer',
    is_topic_message: true,
    message_thread_id: 40,
  };
  const pressed = (fields: object) =>
    decode({ update_id: 1, callback_query: { ...query, ...fields } } as Update, context);

  it('of the Stop button names its turn', () => {
    expect(pressed({ message: under })).toMatchObject({
      kind: 'press',
      press: {
        action: 'stop',
        turn,
        originKey: 'telegram:99:-100:4382bfdwdsb323b2d9',
        place: 'telegram:99:-100:40',
        messageId: 'telegram:-100:6',
        author: { id: 'telegram:7' },
        sentAtMs: 5000,
      },
    });
  });

  it('works under a message that Telegram no longer shows to bots', () => {
    expect(pressed({ message: { message_id: 6, date: 0, chat: group } })).toMatchObject({ kind: 'press' });
  });

  it.each(BUTTON_ACTIONS)('of the button %s says so', (action) => {
    expect(pressed({ message: under, data: `${action}:${turn}` })).toMatchObject({ press: { action, turn } });
  });

  it('of an unknown button is nothing', () => {
    expect(pressed({ message: under, data: 'buy:1' })).toBeNull();
    expect(pressed({ message: under, data: `buy:${turn}` })).toBeNull();
    expect(pressed({ message: under, data: 'stop:1' })).toBeNull();
    expect(pressed({})).toBeNull();
  });

  it.each([12, '12'])('of Stop on a draft finds the turn by the draft id %j', (draft_id) => {
    const update = { update_id: 1, stopped_message_generation: { chat: privateChat, draft_id } } as Update;
    expect(decode(update, context)).toMatchObject({
      press: { turn, action: 'stop', author: { id: 'telegram:7', name: 'Ada' }, messageId: null },
    });
  });

  it('of Stop on a draft that is over is nothing', () => {
    const update = {
      update_id: 1,
      stopped_message_generation: { chat: privateChat, draft_id: 13 },
    } as Update;
    expect(decode(update, context)).toBeNull();
  });
});

describe('an edit', () => {
  const edited = (fields: Partial<Message>) => {
    const fresh = message(fields).message;
    return decode({ update_id: 1, edited_message: fresh } as Update, context);
  };

  it('is the message as it reads now, of a version of its own', () => {
    expect(edited({ text: 'hello again', edit_date: 9 })).toMatchObject({
      kind: 'edit',
      message: { text: 'hello again', originKey: 'telegram:99:7:5:edit:9:1', messageId: 'telegram:7:5' },
    });
  });

  it('of a piece of an album has the number of the piece', () => {
    const fields = { caption: 'look', photo: [], media_group_id: 'g1', edit_date: 9 };
    expect(edited(fields)).toMatchObject({
      message: { originKey: 'telegram:99:7:5:edit:9:1', text: 'look' },
    });
  });

  it('of a command is that command, which is not carried out but may hold what is not to be seen', () => {
    expect(edited({ text: '/usage', entities: [entity('bot_command', 0, 6)], edit_date: 9 })).toMatchObject({
      kind: 'edited_command',
      invocation: { name: 'usage' },
    });
  });

  it.each([
    ['of nobody’s doing', { text: 'x' }],
    ['of a live location', { location: { latitude: 1, longitude: 2 }, edit_date: 9 }],
    ['by a bot', { text: 'x', edit_date: 9, from: { ...ada, is_bot: true } }],
    ['in a channel', { text: 'x', edit_date: 9, chat: { id: -5, type: 'channel' as const, title: 'News' } }],
  ])('%s is nothing', (_, fields) => {
    expect(edited(fields)).toBeNull();
  });
});

describe('the lane of an update', () => {
  it('is its chat, so that messages of one chat keep their order', () => {
    expect(laneOf(message({ text: 'x' }))).toBe('7');
    expect(laneOf(message({ text: '/stopwatch' }))).toBe('7');
  });

  it('is none for what stops or presses', () => {
    expect(laneOf(message({ text: '/stop' }))).toBeNull();
    expect(laneOf(message({ text: '/stop@Parley_Bot' }))).toBeNull();
    expect(laneOf({ update_id: 1, callback_query: {} } as Update)).toBeNull();
  });

  it.each([{}, { message: null }, { message: 3 }, { message: { chat: null, text: 5 } }])(
    'is found without a fault in %j',
    (broken) => {
      expect(laneOf({ update_id: 1, ...broken } as Update)).toBeNull();
    },
  );
});
