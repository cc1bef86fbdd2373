import { describe, expect, it } from 'vitest';
import { sameCommands, toApplicationCommands } from '../../../../src/adapters/discord/commands.ts';
import { modalOf, needsModal, readModal } from '../../../../src/adapters/discord/modal.ts';
import type { CommandSpec } from '../../../../src/platform/command.ts';

const words = {
  describe: (command: string, locale: string) => `${locale}: ${command} ${'x'.repeat(200)}`,
  describeOption: (option: string, locale: string) => `${locale}: ${option} ${'x'.repeat(200)}`,
  labelOf: (command: string, locale: string) => `${locale} ${command} ${'x'.repeat(60)}`,
};

const letter: CommandSpec = {
  name: 'letter',
  options: [
    { name: 'copies', kind: 'integer', required: false, choices: ['1', '2'] },
    { name: 'urgent', kind: 'boolean', required: false },
    { name: 'tone', kind: 'text', required: false, choices: ['kind', 'cool'] },
    { name: 'size', kind: 'text', required: true, choices: ['A4', 'A5'] },
    { name: 'text', kind: 'text', required: true, greedy: true },
  ],
  scope: 'guild',
  requires: 'guild_admin',
  respond: 'modal',
};
const summary: CommandSpec = {
  name: 'summary',
  options: [{ name: 'passage', kind: 'text', required: true, greedy: true }],
  onMessage: 'passage',
  scope: 'any',
  requires: 'everyone',
  respond: 'deferPublic',
};
const wanted = toApplicationCommands([letter, summary], words);

/** The commands as Discord gives them back: with ids, and with what was left out filled in. */
function registered(change: (command: Record<string, unknown>) => object = (command) => command) {
  return wanted
    .map((command, index) =>
      change({
        dm_permission: true,
        nsfw: false,
        description: '',
        description_localizations: null,
        name_localizations: null,
        ...structuredClone(command as unknown as Record<string, unknown>),
        id: String(index),
        application_id: '1',
        version: '7',
      }),
    )
    .toReversed();
}

describe('application commands', () => {
  it('hold required options first, and values of their kind', () => {
    const [command] = toApplicationCommands([{ ...letter, respond: 'deferPublic' }], words);
    expect(command).toMatchObject({
      type: 1,
      options: [
        { name: 'size', type: 3, required: true },
        { name: 'text', type: 3, required: true },
        { name: 'copies', type: 4, choices: [{ name: '1', value: 1 }, { value: 2 }] },
        { name: 'urgent', type: 5, required: false },
        { name: 'tone', type: 3, choices: [{ name: 'kind', value: 'kind' }, { value: 'cool' }] },
      ],
      contexts: [0],
      default_member_permissions: '32',
    });
  });

  it('can be used without the texts that a modal asks for', () => {
    expect(wanted[0]).toMatchObject({
      options: [
        { name: 'size', required: true },
        { name: 'copies', required: false },
        { name: 'urgent', required: false },
        { name: 'tone', required: false },
        { name: 'text', required: false },
      ],
    });
  });

  it('stay within the lengths that Discord takes', () => {
    const text = JSON.stringify(wanted);
    for (const [, description = ''] of text.matchAll(/"description":"([^"]*)"/g))
      expect(description).toHaveLength(100);
    expect(wanted[1]).toMatchObject({ type: 3, name: words.labelOf('summary', 'en').slice(0, 32) });
  });

  it('are the same as those that Discord gives back, in any order', () => {
    expect(sameCommands(registered(), wanted)).toBe(true);
  });

  it.each<[string, (command: Record<string, unknown>) => object]>([
    ['another description', (command) => ({ ...command, description: 'old' })],
    ['another translation', (command) => ({ ...command, description_localizations: { id: 'lama' } })],
    ['no options', (command) => ({ ...command, options: [] })],
    ['other permissions', (command) => ({ ...command, default_member_permissions: '8' })],
    ['other places', (command) => ({ ...command, contexts: [1] })],
    ['another name', (command) => ({ ...command, name: 'old' })],
  ])('with %s are others', (_what, change) => {
    expect(sameCommands(registered(change), wanted)).toBe(false);
  });

  it('that are fewer or more are others', () => {
    expect(sameCommands(registered().slice(1), wanted)).toBe(false);
    expect(sameCommands([...registered(), ...registered().slice(1)], wanted)).toBe(false);
  });
});

describe('a modal', () => {
  it('is needed as long as a text is missing that nobody can choose', () => {
    expect(needsModal(letter, { tone: 'kind' })).toBe(true);
    expect(needsModal(letter, { text: 'Dear' })).toBe(false);
  });

  it('brings back what was given and what was written', () => {
    const { custom_id: customId, components } = modalOf(letter, { copies: '2', tone: 'kind' }, words, 'en');
    expect(components).toHaveLength(1);
    expect(readModal(customId, [['text', 'Dear & sincere=?']])).toEqual({
      command: 'letter',
      options: { copies: '2', tone: 'kind', text: 'Dear & sincere=?' },
    });
  });

  it('stays within the lengths that Discord takes', () => {
    const {
      custom_id: customId,
      title,
      components,
    } = modalOf(letter, { tone: 'x'.repeat(100) }, words, 'id');
    expect(customId.length).toBeLessThanOrEqual(100);
    expect(title).toHaveLength(45);
    expect(components).toMatchObject([
      { type: 18, label: expect.stringMatching(/^.{45}$/u), component: { style: 2, required: true } },
    ]);
    expect(readModal(customId, [])).toEqual({ command: 'letter', options: {} });
  });

  it('of somebody else is none of ours', () => {
    expect(readModal('stop:1', [['text', 'x']])).toBeNull();
  });
});
