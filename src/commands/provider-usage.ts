import type { ProviderUsage } from '../usage/ports.ts';
import type { CommandUse } from './command.ts';

/** What each provider was used for, below a title; nothing where one did it all. */
export function providerLines(
  providers: readonly ProviderUsage[],
  title: string,
  say: CommandUse['say'],
): readonly string[] {
  if (providers.length < 2) return [];
  const lines = providers.map(({ provider, calls, promptTokens, completionTokens, costNanoUsd }) =>
    say({
      key: 'usage.provider',
      params: {
        provider,
        calls,
        tokens: promptTokens + completionTokens,
        costNanoUsd: Number(costNanoUsd),
      },
    }),
  );
  return ['', title, ...lines];
}
