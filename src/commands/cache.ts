import { lines, type Command } from './command.ts';

/** What the providers' caches did for the conversation in which it is asked. */
export const cache: Command = {
  spec: { name: 'cache', options: [], scope: 'any', requires: 'everyone', respond: 'deferPrivate' },
  async run({ invocation, services, say }) {
    const report = await services.usage.cachingOf(invocation);
    if (report === null) return say({ key: 'cache.none' });
    const { messages, promptTokens, cachedTokens } = report;
    const percent = promptTokens === 0 ? 0 : (100 * cachedTokens) / promptTokens;
    return lines(
      say({ key: 'cache.title' }),
      `- ${say({ key: 'cache.messages', params: { messages } })}`,
      `- ${say({ key: 'cache.tokens', params: { promptTokens, cachedTokens, percent } })}`,
      `- ${say({ key: 'cache.saved', params: { savedNanoUsd: Number(report.savedNanoUsd) } })}`,
    );
  },
};
