import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { anyKinds } from '../support/database.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { openScene, slowly, type Person, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const KEY = 'sk-or-v1-0123456789abcdef-the-key-of-the-operator';
const ENCRYPTION_KEY = 'q2f9V0mC7xZr1Yw8T4nJb6Kd3HsLpEuGaOiQtRvXcMk=';
const PASSWORD = 'the-password-of-the-database';
const JWT_SECRET = 'the-secret-that-signs-tokens-of-the-interface';

describe.each(anyKinds)(
  'with a database of kind %s, after a busy run with everything going wrong',
  (kind) => {
    let scene: Scene;
    let gateway: Gateway | null = null;
    let restore: () => void;
    /** What any part of the process wrote past the logger. */
    const printed: string[] = [];
    /** Whatever people and models said; each is found nowhere else. */
    const said: string[] = [];
    const say = (): string => {
      const words = `Marzipan-${randomUUID()}`;
      said.push(words);
      return words;
    };

    beforeAll(async () => {
      restore = watchOutput(printed);
      scene = await openScene({
        database: kind,
        openrouter: { keys: [KEY] },
        settings: { OPENROUTER_API_KEY: KEY },
      });
      if (scene.database.url !== null) {
        const url = new URL(scene.database.url);
        url.password = PASSWORD;
        gateway = await startGateway(url.href);
      }
      await restart();
      await everythingGoesWrong();
    }, 120_000);
    afterAll(async () => {
      restore();
      await scene.stop();
      await gateway?.down();
    });

    async function restart(): Promise<void> {
      const secrets = { OPENROUTER_API_KEY: KEY, ENCRYPTION_KEY, JWT_SECRET };
      if (gateway === null) await scene.restart(secrets);
      else await scene.restart({ ...secrets, DATABASE_URL: gateway.url }, 'its own database');
    }

    async function everythingGoesWrong(): Promise<void> {
      const ann = scene.person({ firstName: say() });
      await answers(ann);
      await troubleUpstream(ann);
      await troubleOnTelegram(ann);
      await commands(ann);
      await troubleWithUpdates();
      if (gateway !== null) await troubleWithTheDatabase(gateway, ann);
      expect((await ann.ask(say())).turn.state).toBe('delivered');
    }

    async function answers(ann: Person): Promise<void> {
      const chat = scene.telegram.group({ title: say(), members: [ann.user] });
      scene.openrouter.play(slowly([say(), ` ${say()}`], 50));
      await ann.ask(say());
      scene.openrouter.play({ kind: 'answer', text: say() });
      await scene.ask(chat, ann.user, `@parley_bot ${say()}`);
      await ann.ask(`${say()} \0 \ud83d`);
    }

    async function troubleUpstream(ann: Person): Promise<void> {
      const quoting = { raw: say(), flagged_input: say(), reasons: [say()] };
      const faults: Scenario[] = [
        { kind: 'refusal', name: 'provider-error', metadata: quoting },
        { kind: 'refusal', name: 'moderation', metadata: quoting },
        { kind: 'refusal', name: 'guardrail', metadata: { patterns: [say()] } },
        { kind: 'refusal', name: 'model-not-found' },
        { kind: 'http', status: 500, body: { error: { message: `${say()} ${KEY}`, code: 500 } } },
        { kind: 'http', status: 502, body: `<html>${say()} ${KEY}</html>` },
        { kind: 'http', status: 200, body: say() },
        {
          kind: 'answer',
          text: say(),
          fault: { kind: 'error', message: say() },
        },
        { kind: 'answer', text: say(), fault: { kind: 'malformed', afterTokens: 2, line: `{"${say()}` } },
        { kind: 'answer', reasoning: say() },
        {
          kind: 'answer',
          text: say(),
          reportedModel: 'some/model',
          fault: { kind: 'cut', afterTokens: 1, how: 'reset' },
        },
        { kind: 'connection', event: 'reset' },
      ];
      for (const scenario of faults) {
        // Models that failed before would be left alone otherwise.
        await restart();
        scene.openrouter.play(scenario);
        await ann.ask(say());
      }
      await restart();
    }

    async function troubleOnTelegram(ann: Person): Promise<void> {
      const { telegram } = scene;
      const chatId = ann.chat.id;
      telegram.fault('sendMessage', { kind: 'drop', when: 'before' }, { chatId });
      telegram.fault(
        'editMessageText',
        { kind: 'status', code: 502, body: `<html>${say()}</html>` },
        { chatId },
      );
      telegram.fault('editMessageText', { kind: 'drop', when: 'after' }, { chatId });
      telegram.fault('getUpdates', { kind: 'drop', when: 'before' }, { times: 2 });
      telegram.fault('getUpdates', { kind: 'status', code: 502, body: '<html></html>' });
      telegram.fault('sendChatAction', { kind: 'error', code: 500, description: 'Internal Server Error' });
      scene.openrouter.play({ kind: 'answer', text: say() });
      await ann.ask(say());
      const gone = scene.person();
      telegram.fault(
        'sendMessage',
        { kind: 'error', code: 403, description: 'Forbidden: bot was blocked by the user' },
        { chatId: gone.chat.id, times: Infinity },
      );
      await gone.ask(say());
      const plain = scene.person();
      telegram.fault(
        'sendMessage',
        { kind: 'error', code: 400, description: "Bad Request: can't parse entities" },
        { chatId: plain.chat.id },
      );
      scene.openrouter.play({ kind: 'answer', text: `**${say()}**` });
      await plain.ask(say());
    }

    async function commands(ann: Person): Promise<void> {
      for (const command of ['/usage', '/stats', '/stop', '/help', `/stats ${say()}`, '/new'])
        await ann.command(command);
    }

    async function troubleWithUpdates(): Promise<void> {
      const chat = { id: scene.person().user.id, type: 'private' };
      const from = { id: chat.id, is_bot: false, first_name: say() };
      scene.telegram.pushUpdate({
        message: { message_id: 1, date: 1, chat, from, text: { [say()]: say() } },
      });
      scene.telegram.pushUpdate({ message: { message_id: 1, date: 1, from, text: say() } });
      scene.telegram.pushUpdate({
        message: { message_id: 1, date: 1, chat, from, text: say(), entities: say() },
      });
      await until(
        async () => (await scene.records.errors()).filter(({ area }) => area === 'event').length === 3,
      );
    }

    async function troubleWithTheDatabase(way: Gateway, ann: Person): Promise<void> {
      scene.openrouter.play(
        slowly(
          Array.from({ length: 20 }, () => ` ${say()}`),
          100,
        ),
      );
      const streaming = ann.send(say());
      await until(async () => (await scene.turn(ann.chat, streaming))?.state === 'running');
      await way.down();
      const waiting = ann.send(say());
      // A statement that was under way when its connection broke tells of it after up to 20 s.
      const isLogged = (words: string) => until(() => scene.log.some((line) => line.includes(words)), 45_000);
      await isLogged('store unavailable');
      await isLogged('the store is away');
      await way.up();
      await scene.over(ann.chat, streaming);
      await scene.over(ann.chat, waiting);
    }

    test('the log has much to tell', () => {
      expect(scene.log.length).toBeGreaterThan(40);
      const levels = new Set(scene.log.map((line) => (JSON.parse(line) as { level: number }).level));
      expect(levels).toEqual(new Set([20, 30, 40, 50]));
    });

    test('no token, key or password is in the log, whole or in part', () => {
      const log = scene.log.join('');
      const [, secretHalf = ''] = scene.telegram.token.split(':');
      const secrets = { token: scene.telegram.token, secretHalf, KEY, ENCRYPTION_KEY, PASSWORD, JWT_SECRET };
      const found = Object.entries(secrets).filter(
        ([, secret]) => log.includes(secret) || log.includes(encodeURIComponent(secret)),
      );
      expect(found).toEqual([]);
    });

    test('no word that a person or a model said is in the log', () => {
      expect(said.length).toBeGreaterThan(40);
      expect(scene.log.filter((line) => said.some((words) => line.includes(words)))).toEqual([]);
    });

    test('neither is in the recorded errors', async () => {
      const rows = JSON.stringify(await scene.database.sql`select * from errors`);
      expect(rows).toContain('completion.');
      expect(said.filter((words) => rows.includes(words))).toEqual([]);
      expect([KEY, PASSWORD, scene.telegram.token].filter((secret) => rows.includes(secret))).toEqual([]);
    });

    test('nothing was printed past the log', () => {
      expect(printed.join('')).toBe('');
    });
  },
);

/** Takes down what is written to the standard streams until it is restored. */
function watchOutput(printed: string[]): () => void {
  const write = (chunk: unknown): boolean => {
    printed.push(String(chunk));
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
    ...(['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...parts) => void printed.push(parts.join(' '))),
    ),
  ];
  return () => spies.forEach((spy) => spy.mockRestore());
}
