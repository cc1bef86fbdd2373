import { lines, type Command } from './command.ts';

/** Shows what a person has chosen for themselves, and changes it. */
export const preferences: Command = {
  spec: {
    name: 'preferences',
    options: [{ name: 'fallback', kind: 'boolean', required: false }],
    scope: 'any',
    requires: 'everyone',
    respond: 'deferPrivate',
  },
  async run({ invocation, options, services, say }) {
    const { preferences: own } = services;
    const wanted = options['fallback'];
    if (typeof wanted === 'boolean') await own.setAllowsFallback(invocation, wanted);
    const allowsFallback =
      typeof wanted === 'boolean' ? wanted : await own.allowsFallback(invocation.author.id);
    const model = (await own.model(invocation.author.id)) ?? '';
    return lines(
      say({ key: 'preferences.title' }),
      `- ${say({ key: 'preferences.model', params: { model } })}`,
      `- ${say({ key: 'preferences.fallback', params: { isAllowed: Number(allowsFallback) } })}`,
      ...(wanted === undefined ? ['', say({ key: 'preferences.how' })] : []),
    );
  },
};
