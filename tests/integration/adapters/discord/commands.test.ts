import { describe, expect, it } from 'vitest';
import { until } from '../../../support/until.ts';
import { openInbound, SPECS, type InboundOptions, type InboundStage } from './inbound-stage.ts';

const READ = 'GET /applications/{application_id}/commands';
const WRITE = 'PUT /applications/{application_id}/commands';

const calls = ({ discord }: InboundStage, route: string) =>
  discord.calls.filter((call) => call.route === route && !call.pending);

async function registered(options: InboundOptions = {}): Promise<InboundStage> {
  const stage = await openInbound(options);
  await until(() => stage.discord.commands().length > 0);
  return stage;
}

describe('the commands', () => {
  it('are offered where and to whom their specs say', async () => {
    const stage = await registered();
    const offered = Object.fromEntries(
      stage.discord
        .commands()
        .map(({ name, type, contexts, integration_types: installs, default_member_permissions: needed }) => [
          name,
          { type, contexts, installs, needed },
        ]),
    );
    const usual = { type: 1, contexts: [0, 1], installs: [0], needed: null };
    expect(offered).toEqual({
      ask: usual,
      usage: usual,
      stop: usual,
      compose: usual,
      settings: { ...usual, contexts: [0], needed: '32' },
      halt: { ...usual, needed: '0' },
      memory: { ...usual, contexts: [1] },
      'explain this': { ...usual, type: 3 },
    });
  });

  it('are described in English and Indonesian', async () => {
    const stage = await registered();
    const ask = stage.discord.commands().find(({ name }) => name === 'ask')!;
    expect(ask).toMatchObject({
      description: 'en: ask',
      description_localizations: { 'en-US': 'en: ask', 'en-GB': 'en: ask', id: 'id: ask' },
      options: [
        { name: 'question', type: 3, required: true, description: 'en: question' },
        { name: 'style', type: 3, required: false, choices: [{ value: 'short' }, { value: 'long' }] },
      ],
    });
    const explain = stage.discord.commands().find(({ type }) => type === 3)!;
    expect(explain['name_localizations']).toEqual({ id: 'explain ini' });
  });

  it('are registered once, and again only when they have changed', async () => {
    const stage = await registered();
    await stage.adapter.stop();
    const again = stage.another();
    await again.start(stage.handlers);
    await until(() => calls(stage, READ).length === 2);
    await again.stop();
    expect(calls(stage, WRITE)).toHaveLength(1);
    await fetch(`${stage.discord.url}/v10/applications/${stage.discord.applicationId}/commands`, {
      method: 'PUT',
      headers: {
        authorization: `Bot ${stage.discord.token}`,
        'content-type': 'application/json',
        'user-agent': 'DiscordBot (https://example.com, 1.0)',
      },
      body: JSON.stringify([{ name: 'old', description: 'of an earlier version' }]),
    });
    await stage.another().start(stage.handlers);
    await until(() => stage.discord.commands().length === SPECS.length);
    expect(calls(stage, WRITE)).toHaveLength(3);
  });

  it('are registered as soon as Discord answers', async () => {
    const stage = await openInbound({ isStarted: false });
    stage.discord.fault(READ, { kind: 'status', status: 502, body: 'Bad Gateway' });
    stage.discord.fault(WRITE, { kind: 'drop', when: 'before' });
    await stage.adapter.start(stage.handlers);
    await until(() => stage.discord.commands().length === SPECS.length);
    expect(stage.logged('commands not registered')).toBe(2);
  });

  it('that Discord does not take keep nobody from talking', async () => {
    const stage = await openInbound({ isStarted: false });
    stage.discord.fault(WRITE, {
      kind: 'error',
      status: 400,
      code: 30_034,
      message: 'Max number of daily creates',
    });
    await stage.adapter.start(stage.handlers);
    await until(() => stage.logged('commands not registered') === 1);
    const user = stage.discord.user();
    expect((await stage.next(() => user.dm().send(user, 'hello'))).text).toBe('hello');
  });
});
