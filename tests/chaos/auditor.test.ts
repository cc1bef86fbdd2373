import { describe, expect, test } from 'vitest';
import { translate } from '../../src/i18n/translate.ts';
import { audit } from './auditor.ts';
import type { BotMessage, Evidence, Question, TurnRecord } from './evidence.ts';

const PLACE = 'telegram:7';
const ASKED_MS = 1_000_000;

const textOf = (tag: string): string => `${tag} starts here. In ${tag} the river. ${tag} ends.`;

const question = (number: number, more: Partial<Question> = {}): Question => ({
  number,
  platform: 'telegram',
  place: PLACE,
  where: 'private chat',
  kind: 'message',
  originKey: `telegram:1:7:${number}`,
  askedAtMs: ASKED_MS + number * 1000,
  wasHeard: true,
  isDeclaredFailed: false,
  wasDisturbed: false,
  ...more,
});

const turn = (number: number, more: Partial<TurnRecord> = {}): TurnRecord => ({
  id: `turn-${number}`,
  originKey: `telegram:1:7:${number}`,
  state: 'delivered',
  conversationId: 'one',
  succeededBy: null,
  answer: { text: textOf(`Q${number}G1`), isPartial: false },
  hasNotice: false,
  isDelivered: true,
  unreachable: null,
  parts: [String(number * 10)],
  epoch: 1,
  admittedAtMs: ASKED_MS + number * 1000 + 10,
  startedAtMs: ASKED_MS + number * 1000 + 20,
  generatedAtMs: ASKED_MS + number * 1000 + 500,
  deliveredAtMs: ASKED_MS + number * 1000 + 600,
  ...more,
});

const message = (number: number, more: Partial<BotMessage> = {}): BotMessage => ({
  place: PLACE,
  id: String(number * 10),
  text: textOf(`Q${number}G1`),
  hasStopButton: false,
  isLoading: false,
  createdAtMs: ASKED_MS + number * 1000 + 300,
  changedAtMs: ASKED_MS + number * 1000 + 550,
  ...more,
});

/** Two questions in one conversation, both answered as they should be. */
const sound: Evidence = {
  questions: [question(1), question(2)],
  messages: [message(1), message(2)],
  generations: [1, 2].flatMap((number) =>
    [1, 2].map((generation) => ({
      question: number,
      tag: `Q${number}G${generation}`,
      text: textOf(`Q${number}G${generation}`),
    })),
  ),
  turns: [turn(1), turn(2)],
  holds: 0,
  ownFailures: [],
  wrongCounters: [],
  createsCutOff: [],
  kills: [],
  paceRefusals: [],
  objections: [],
  marked: [],
  changes: [],
  clockErrorMs: 0,
};

const kindsIn = (defect: Partial<Evidence>): readonly string[] =>
  audit({ ...sound, ...defect }).violations.map(({ kind }) => kind);

describe('the auditor', () => {
  test('finds nothing in a sound world, and counts how the questions ended', () => {
    const { violations, uncertain, ends } = audit(sound);
    expect([violations, uncertain, [...ends]]).toEqual([[], 0, [['answered', 2]]]);
  });

  test('takes an answer in several parts for one reply', () => {
    const [start = '', end = ''] = textOf('Q2G1').split(' In ');
    const messages = [message(1), message(2, { text: start }), message(2, { id: '21', text: `In ${end}` })];
    expect(kindsIn({ messages })).toEqual([]);
  });

  test('takes a part of an answer with its notice for a reply', () => {
    const answer = { text: 'Q2G1 starts here.', isPartial: true };
    const shown = message(2, { text: 'Q2G1 starts here.\n\n⚠️ The answer broke off here.' });
    expect(kindsIn({ turns: [turn(1), turn(2, { answer })], messages: [message(1), shown] })).toEqual([]);
  });

  test('takes a notice that stands in a message of its own for part of the reply', () => {
    const answer = { text: 'Q2G1 starts here.', isPartial: true };
    const turns = [turn(1), turn(2, { answer, hasNotice: true, parts: ['20', '21'] })];
    const shown = [
      message(2, { text: 'Q2G1 starts here.' }),
      message(2, { id: '21', text: '⚠️ The answer broke off here.' }),
    ];
    expect(kindsIn({ turns, messages: [message(1), ...shown] })).toEqual([]);
  });

  test('takes an answer that is written once more as it stands for complete since the first time', () => {
    const first = message(1, { changedAtMs: ASKED_MS + 9000 });
    const { text } = first;
    const changes = [1500, 9000].map((laterMs) => ({
      message: `${PLACE}/10`,
      atMs: ASKED_MS + laterMs,
      text,
    }));
    expect(kindsIn({ messages: [first, message(2)], changes })).toEqual([]);
  });

  test('takes an answer for that of the turns that were merged into its own', () => {
    const merged = turn(1, { state: 'merged', succeededBy: 'turn-2', answer: null, parts: [] });
    expect(kindsIn({ turns: [merged, turn(2)], messages: [message(2)] })).toEqual([]);
  });
});

describe('the auditor reports', () => {
  test('a message that was never admitted', () => {
    expect(kindsIn({ turns: [turn(1)], messages: [message(1)] })).toEqual(['lost']);
  });

  test('a message that was written while no process listened, and never heard', () => {
    const questions = [question(1), question(2, { wasHeard: false })];
    expect(kindsIn({ questions, turns: [turn(1)], messages: [message(1)] })).toEqual(['unheard']);
  });

  test('a turn whose answer nobody sees', () => {
    expect(kindsIn({ messages: [message(1)] })).toEqual(['lost']);
  });

  test('a turn that was merged into one that is not there', () => {
    const merged = turn(1, { state: 'merged', succeededBy: 'turn-9', answer: null });
    expect(kindsIn({ turns: [merged, turn(2)], messages: [message(2)] })).toEqual(['lost']);
  });

  test('a turn that was given up', () => {
    expect(kindsIn({ turns: [turn(1), turn(2, { unreachable: 'given up' })] })).toEqual(['lost']);
  });

  test('a turn without an end', () => {
    const running = turn(2, { state: 'running', answer: null, deliveredAtMs: null, isDelivered: false });
    expect(kindsIn({ turns: [turn(1), running], messages: [message(1)] })).toEqual(['unfinished']);
  });

  test('a command that shows “thinking…” for ever', () => {
    const thinking = message(2, { text: '', isLoading: true });
    expect(kindsIn({ turns: [turn(1)], messages: [message(1), thinking] })).toEqual(['lost', 'leftover']);
  });

  test('a doubled reply', () => {
    const messages = [message(1), message(2), message(2, { id: '25' })];
    expect(kindsIn({ messages })).toEqual(['doubled']);
  });

  test('a second reply with another generation', () => {
    const messages = [message(1), message(2), message(2, { id: '25', text: textOf('Q2G2') })];
    expect(kindsIn({ messages })).toContain('doubled');
  });

  test('a question that is still marked as waiting, by its number', () => {
    const { violations } = audit({ ...sound, marked: [`${PLACE}/2`] });
    expect(violations).toMatchObject([{ kind: 'leftover' }]);
    expect(violations[0]?.detail).toContain('question 2 in');
  });

  test('a part of an answer that stands there twice, or with more of another one below', () => {
    const turns = [turn(1), turn(2, { answer: { text: 'Q2G1 starts here.', isPartial: true } })];
    const shown = { text: 'Q2G1 starts here.\n\n⚠️ *The answer broke off here.*' };
    const twice = [message(1), message(2, shown), message(2, { ...shown, id: '21' })];
    expect(kindsIn({ turns, messages: twice })).toEqual(['doubled']);
    const glued = message(2, { text: 'Q2G1 starts here. Q2G2 starts here. Q2G2 ends.' });
    expect(kindsIn({ turns, messages: [message(1), glued] })).toContain('glued');
  });

  test('a command that nobody took although nothing was in the way', () => {
    const untaken = question(2, { kind: 'command', isDeclaredFailed: true });
    const without = { turns: [turn(1)], messages: [message(1)] };
    expect(kindsIn({ ...without, questions: [question(1), untaken] })).toEqual(['lost']);
    const excused = { ...untaken, wasDisturbed: true };
    expect(kindsIn({ ...without, questions: [question(1), excused] })).toEqual([]);
  });

  test('a mark of waiting that is left, and what the bot holds for its own failure', () => {
    expect(kindsIn({ marked: [`${PLACE}/5`] })).toEqual(['leftover']);
    expect(kindsIn({ ownFailures: ['settle: something'] })).toEqual(['own failure']);
  });

  test('two generations glued in one message', () => {
    const text = `Q2G1 starts here. ${textOf('Q2G2')}`;
    expect(kindsIn({ messages: [message(1), message(2, { text })] })).toContain('glued');
  });

  test('two generations glued in the parts of one reply', () => {
    const messages = [
      message(1),
      message(2, { text: 'Q2G1 starts here.' }),
      message(2, { id: '21', text: 'In Q2G2 the river. Q2G2 ends.' }),
    ];
    expect(kindsIn({ messages })).toContain('glued');
  });

  test('an answer that lacks its end', () => {
    expect(kindsIn({ messages: [message(1), message(2, { text: 'Q2G1 starts here.' })] })).toContain(
      'wrong text',
    );
  });

  test('an answer that no model gave', () => {
    const answer = { text: 'Q2G3 ends.', isPartial: false };
    const messages = [message(1), message(2, { text: 'Q2G3 ends.' })];
    expect(kindsIn({ turns: [turn(1), turn(2, { answer })], messages })).toContain('wrong text');
  });

  test('answers that were created in another order than their questions', () => {
    const messages = [message(1, { id: '30' }), message(2, { id: '20' })];
    expect(kindsIn({ messages })).toEqual(['out of order']);
  });

  test('answers that were completed in another order than their questions', () => {
    const messages = [message(1, { changedAtMs: ASKED_MS + 9000 }), message(2)];
    expect(kindsIn({ messages })).toEqual(['out of order']);
  });

  test('a failure that nobody was told of', () => {
    const failed = turn(2, { state: 'failed', answer: null, hasNotice: true });
    expect(kindsIn({ turns: [turn(1), failed], messages: [message(1)] })).toEqual(['no notice']);
  });

  test('a notice that was told twice', () => {
    const failed = turn(2, { state: 'failed', answer: null, hasNotice: true });
    const notice = { text: 'No model could answer just now.' };
    const messages = [message(1), message(2, notice), message(2, { ...notice, id: '22' })];
    expect(kindsIn({ turns: [turn(1), failed], messages })).toEqual(['extra notice']);
  });

  test('an outage that is told of more than once by one process', () => {
    const text = translate('en', { key: 'failure.store_waits' });
    const told = (id: number, createdAtMs: number) => message(id, { text, createdAtMs });
    const messages = [...sound.messages, told(3, ASKED_MS + 3000), told(4, ASKED_MS + 9000)];
    expect(kindsIn({ messages })).toEqual(['extra notice']);
    expect(kindsIn({ messages, kills: [{ atMs: ASKED_MS + 5000, window: 'waiting' }] })).toEqual([]);
    expect(kindsIn({ messages: [...sound.messages, told(3, ASKED_MS + 3000)] })).toEqual([]);
  });

  test('a button below a finished answer', () => {
    expect(kindsIn({ messages: [message(1), message(2, { hasStopButton: true })] })).toContain('leftover');
  });

  test('a message that was rewritten after its delivery', () => {
    const changes = [200, 5000].map((laterMs) => ({
      message: `${PLACE}/20`,
      atMs: ASKED_MS + 2000 + laterMs,
      text: `after ${laterMs} ms`,
    }));
    expect(kindsIn({ changes })).toEqual(['late write']);
  });

  test('a hold that is left, a counter that is off, a pace that was too fast and a simulator that objects', () => {
    const defects = {
      holds: 1,
      wrongCounters: ['day'],
      paceRefusals: ['sendMessage'],
      objections: ['Update'],
    };
    expect(kindsIn(defects)).toEqual(['hold left', 'counter off', 'pace refused', 'simulator objects']);
  });
});

describe('a create on Telegram that was in flight at a kill', () => {
  const repeated = [
    message(1),
    message(2, { id: '19', text: 'Q2G1 starts', hasStopButton: true }),
    message(2),
  ];

  test('may be there once more, and is counted apart', () => {
    const cut = [{ place: PLACE, question: 2 }];
    const { violations, uncertain } = audit({ ...sound, messages: repeated, createsCutOff: cut });
    expect([violations, uncertain]).toEqual([[], 1]);
  });

  test('is no excuse for one whose id was stored', () => {
    const cut = [{ place: PLACE, question: 2 }];
    const known = turn(2, { parts: ['19', '20'] });
    expect(kindsIn({ messages: repeated, createsCutOff: cut, turns: [turn(1), known] })).toContain('doubled');
  });

  test('excuses no further one', () => {
    const cut = [{ place: PLACE, question: 2 }];
    const messages = [...repeated, message(2, { id: '22' })];
    expect(kindsIn({ messages, createsCutOff: cut })).toContain('doubled');
  });

  test('of another question excuses nothing', () => {
    expect(kindsIn({ messages: repeated, createsCutOff: [{ place: PLACE, question: 1 }] })).toContain(
      'doubled',
    );
  });
});
