import {
  InteractionResponseType,
  type BaseInteraction,
  type ButtonInteraction,
  type CommandInteractionOption,
  type Interaction,
  type ModalSubmitInteraction,
} from 'discord.js';
import type { Chores } from '../../delivery/chores.ts';
import { pickLocale, translate } from '../../i18n/translate.ts';
import { handOver, type FailedTry, type HandOverOptions } from '../../intake/hand-over.ts';
import type { Handlers, Said, Taken } from '../../platform/adapter.ts';
import { nameOf, type CommandSpec } from '../../platform/command.ts';
import { failureText } from '../../platform/failure-text.ts';
import type { Logger } from '../../platform/logger.ts';
import { addressOf } from './address.ts';
import type { Answering } from './answering.ts';
import type { Callbacks } from './callback.ts';
import type { CommandWords } from './command-words.ts';
import { messageCommandName } from './commands.ts';
import {
  decodeCommand,
  decodeCommandPress,
  decodePress,
  interactionKey,
  optionText,
  writtenIn,
  type DecodeContext,
} from './decode.ts';
import { describe, toFailure } from './failure.ts';
import { modalOf, needsModal, readModal, type OptionTexts } from './modal.ts';
import { createSuggestions } from './suggestions.ts';

export interface InteractionOptions extends HandOverOptions {
  readonly logger: Logger;
  readonly context: DecodeContext;
  readonly commands: readonly CommandSpec[];
  readonly words: CommandWords;
  readonly handlers: Handlers;
  readonly callbacks: Callbacks;
  readonly answering: Answering;
  readonly chores: Chores;
  /** How long the store may stay away while a person waits. */
  readonly patienceMs: number;
  /** Ends the waiting for the store. */
  readonly signal: AbortSignal;
}

/** A command that was used, by whatever way. */
interface Use {
  readonly interaction: BaseInteraction;
  readonly name: string;
  readonly subcommand: string | null;
  /** Undefined for a command that is no longer ours, which the core explains. */
  readonly spec: CommandSpec | undefined;
  readonly options: OptionTexts;
}

/** Takes interactions to the core and its answers back, each on its own. Never throws. */
export function createInteractions(options: InteractionOptions): (interaction: Interaction) => void {
  const { chores, logger } = options;
  const take = createRouter(options);
  return (interaction) => {
    if (interaction.channelId === null) return;
    chores.add(
      take(interaction).catch((error: unknown) => {
        logger.error({ reason: describe(toFailure(error)) }, 'interaction failed');
      }),
    );
  };
}

/** Sorts interactions by their kind. */
function createRouter(options: InteractionOptions): (interaction: Interaction) => Promise<void> {
  const { commands, words, context } = options;
  const slashes = new Map(commands.map((spec) => [nameOf(spec), spec]));
  const onMessages = new Map(
    commands
      .filter(({ onMessage }) => onMessage !== undefined)
      .map((spec) => [messageCommandName(spec.name, words), spec]),
  );
  const responders = createResponders(options);
  const suggest = createSuggestions(options);

  return async (interaction) => {
    if (interaction.isChatInputCommand()) {
      const { commandName: name } = interaction;
      const subcommand = interaction.options.getSubcommand(false);
      await responders.toCommand({
        interaction,
        name,
        subcommand,
        spec: slashes.get(nameOf({ name, subcommand })),
        options: textsOf(interaction.options.data, context),
      });
    } else if (interaction.isAutocomplete()) await suggest(interaction);
    else if (interaction.isMessageContextMenuCommand()) {
      const spec = onMessages.get(interaction.commandName);
      const given =
        spec?.onMessage === undefined
          ? {}
          : { [spec.onMessage]: writtenIn(interaction.targetMessage, context).text };
      await responders.toCommand({
        interaction,
        name: spec?.name ?? interaction.commandName,
        subcommand: null,
        spec,
        options: given,
      });
    } else if (interaction.isModalSubmit()) await responders.toModal(interaction, slashes);
    else if (interaction.isButton()) await responders.toPress(interaction);
    else if (interaction.isMessageComponent()) await acknowledge(interaction, options);
  };
}

/** Hands an interaction to the core. Never rejects: whatever happens, there is something to say. */
function createHand(options: InteractionOptions) {
  const { handlers, clock, logger } = options;
  return async (interaction: BaseInteraction, call: () => Promise<Said | Taken>): Promise<Said | Taken> => {
    const deadlineMs = clock.now() + options.patienceMs;
    const effort = { eventId: interaction.id, deadlineMs, signal: options.signal, comesAgain: false };
    const handed = await handOver(call, effort, options);
    if (handed.kind === 'taken') return handed.value;
    if (handed.kind === 'poison') {
      await handlers.onPoison(interaction.id, handed.cause).catch((error: unknown) => {
        logger.error({ reason: describe(toFailure(error)) }, 'failure not recorded');
      });
    }
    return { text: translate(pickLocale(interaction.locale), { key: 'failure.store_away' }) };
  };
}

/** Each hands an interaction of its kind to the core, and says what comes of it. */
function createResponders(options: InteractionOptions) {
  const { context, handlers, callbacks, answering, words } = options;
  const hand = createHand(options);

  // Decoded under the same care: nothing that fails may leave a person with "thinking…".
  const command = ({ interaction, name, subcommand, options: given }: Use) =>
    hand(interaction, async () => {
      const envelope = decodeCommand(interaction, addressOf(interaction), context);
      return await handlers.onCommand({ ...envelope, name, subcommand, options: given });
    });

  const privately = async (use: Use): Promise<void> => {
    const opened = await answering.open(use.interaction, true);
    if (opened === null) return;
    await answering.conclude(use.interaction, opened, await command(use));
  };
  const publicly = async (use: Use): Promise<void> => {
    const responseId = await answering.afterwards(use.interaction, () => command(use));
    if (responseId !== null) await noteResponse(use.interaction, responseId, options);
  };

  const openly = (use: Use): Promise<void> =>
    use.spec?.respond === 'privateModal' ? privately(use) : publicly(use);

  return {
    async toCommand(use: Use): Promise<void> {
      const { interaction, spec, options: given } = use;
      switch (spec?.respond) {
        case 'instant':
          return await answering.soon(interaction, command(use));
        case 'modal':
        case 'privateModal': {
          if (!needsModal(spec, given)) return await openly(use);
          const data = modalOf(spec, given, words, pickLocale(interaction.locale));
          await callbacks.answer(interaction, { type: InteractionResponseType.Modal, data });
          return;
        }
        case 'deferPublic':
          return await publicly(use);
        case 'deferPrivate':
        case undefined:
          return await privately(use);
      }
    },

    async toModal(
      interaction: ModalSubmitInteraction,
      slashes: ReadonlyMap<string, CommandSpec>,
    ): Promise<void> {
      const modal = readModal(interaction.customId, fieldsOf(interaction));
      if (modal === null) return await answering.soon(interaction, Promise.resolve('no_reply' as const));
      const [name = '', subcommand = null] = modal.command.split(' ');
      const spec = slashes.get(modal.command);
      await openly({ interaction, name, subcommand, spec, options: modal.options });
    },

    async toPress(interaction: ButtonInteraction): Promise<void> {
      const used = decodeCommandPress(interaction, context);
      if (used !== null)
        return await answering.replace(interaction, () => hand(interaction, () => handlers.onCommand(used)));
      const decoded = decodePress(interaction, context);
      if (decoded === null) return await acknowledge(interaction, options);
      const work = hand(interaction, async () => {
        const told = await handlers.onPress(decoded);
        if (typeof told !== 'string') return { text: told.text };
        return told === '' ? 'no_reply' : { text: told };
      });
      await answering.soon(interaction, work);
    },
  };
}

/**
 * Adds the message that shows "thinking…" to the address of the turn, which was stored before there was one: once the
 * token is over, nobody who takes the turn over could find it. The reply does not wait for this. Never rejects.
 */
async function noteResponse(
  interaction: BaseInteraction,
  responseId: string,
  { handlers, context, logger, ...options }: InteractionOptions,
): Promise<void> {
  const note = () => handlers.memory.amendTarget(interactionKey(interaction, context), { responseId });
  const { signal } = options;
  const effort = { eventId: interaction.id, deadlineMs: Infinity, signal, comesAgain: false };
  const onFailure = ({ eventId, error }: FailedTry): void =>
    logger.debug({ event: eventId, reason: failureText(error) }, 'deferred response not noted');
  const noted = await handOver(note, effort, { ...options, onFailure });
  if (noted.kind !== 'taken')
    logger.warn({ event: interaction.id, why: noted.kind }, 'deferred response never noted');
}

/** A component of another time: without an answer its client would show it as failed. */
async function acknowledge(interaction: BaseInteraction, { callbacks }: InteractionOptions): Promise<void> {
  await callbacks.answer(interaction, { type: InteractionResponseType.DeferredMessageUpdate });
}

function textsOf(given: readonly CommandInteractionOption[], context: DecodeContext): OptionTexts {
  return Object.fromEntries(
    given
      .flatMap((option) => option.options ?? [option])
      .flatMap(({ name, type, value }) =>
        value === undefined ? [] : [[name, optionText(type, String(value), context)]],
      ),
  );
}

function fieldsOf({ fields }: ModalSubmitInteraction): [string, string][] {
  return [...fields.fields].flatMap(([name, field]): [string, string][] =>
    'value' in field && typeof field.value === 'string' ? [[name, field.value]] : [],
  );
}
