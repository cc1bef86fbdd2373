import { InteractionResponseType, type AutocompleteInteraction } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import type { Handlers } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { addressOf } from './address.ts';
import type { Callbacks } from './callback.ts';
import { decodeCommand, type DecodeContext } from './decode.ts';
import { describe, toFailure } from './failure.ts';

export interface SuggestionsOptions {
  readonly context: DecodeContext;
  readonly handlers: Pick<Handlers, 'onSuggest'>;
  readonly callbacks: Callbacks;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Proposes what a person may mean while they write an option. Where that is not known, nothing is proposed: they can
 * always write it out. Never rejects.
 */
export function createSuggestions({ context, handlers, callbacks, clock, logger }: SuggestionsOptions) {
  const ask = async (interaction: AutocompleteInteraction): Promise<readonly string[]> => {
    try {
      const { name: option, value: written } = interaction.options.getFocused(true);
      const envelope = decodeCommand(interaction, addressOf(interaction), context);
      return await handlers.onSuggest({ ...envelope, command: interaction.commandName, option, written });
    } catch (error) {
      logger.debug({ reason: describe(toFailure(error)) }, 'nothing could be proposed');
      return [];
    }
  };
  return async (interaction: AutocompleteInteraction): Promise<void> => {
    const found = await Promise.race([ask(interaction), clock.sleep(PATIENCE_MS).then(() => [])]);
    const choices = found
      .filter((text) => text.length <= LONGEST_CHOICE)
      .slice(0, MOST_CHOICES)
      .map((text) => ({ name: text, value: text }));
    await callbacks.answer(interaction, {
      type: InteractionResponseType.ApplicationCommandAutocompleteResult,
      data: { choices },
    });
  };
}

/** interactions/receiving-and-responding "Autocomplete". */
const MOST_CHOICES = 25;
const LONGEST_CHOICE = 100;
/** Discord waits for three seconds. */
const PATIENCE_MS = 2000;
