import { createdContent, editedContent, messageFlags } from '../content.ts';
import type { MessageBody, MessageContent } from '../content.ts';
import { interactionTypes } from '../interactions.ts';
import type { InteractionState, InteractionType } from '../interactions.ts';
import { computeMentions } from '../mentions.ts';
import { messageObject } from '../message-object.ts';
import { post, referenceTo, revise } from '../messages.ts';
import type { MessageExtras } from '../messages.ts';
import { DiscordRefusal, invalidField, invalidForm, refusal } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import type { StoredMessage, Wire } from '../world.ts';
import { answered, nothing, param } from './route.ts';
import type { Handler, RouteAnswer, RouteRequest } from './route.ts';

/** Kinds of first answers (interactions/receiving-and-responding "Interaction Callback Type"). */
const callbackTypes = { message: 4, defer: 5, deferUpdate: 6, update: 7, choices: 8, modal: 9 } as const;

interface CallbackBody {
  readonly type: number;
  readonly data?: (MessageBody & { readonly choices?: readonly Wire[] | null }) | null;
}

/** The first answer to an interaction: within three seconds, and only one. */
export const callback: Handler<CallbackBody> = (simulation, request) => {
  const interaction = simulation.interactions.find(param(request, 'interaction_token'));
  const isLate =
    interaction !== undefined &&
    interaction.answer === undefined &&
    simulation.now() - interaction.createdAtMs > simulation.options.interactionDeadlineMs;
  if (interaction === undefined || interaction.id !== param(request, 'interaction_id') || isLate) {
    throw refusal('unknownInteraction');
  }
  if (interaction.answer !== undefined) throw refusal('alreadyAcknowledged');
  const allowed = allowedTypes(interaction.type, interaction.source !== undefined);
  const { type } = request.body;
  const answer = answers[type];
  if (!allowed.includes(type) || answer === undefined) {
    throw invalidField('type', 'BASE_TYPE_CHOICES', `Value must be one of {${allowed.join(', ')}}.`);
  }
  inData(() => answer(simulation, interaction, request));
  return request.query['with_response'] === 'true' ? described(simulation, interaction, type) : nothing;
};

/** Which kinds may answer which interaction; a modal that came from a component may still update its message. */
function allowedTypes(type: InteractionType, hasSource: boolean): readonly number[] {
  const { message, defer, deferUpdate, update, choices, modal } = callbackTypes;
  if (type === interactionTypes.autocomplete) return [choices];
  if (type === interactionTypes.component) return [message, defer, deferUpdate, update, modal];
  if (type === interactionTypes.modalSubmit)
    return hasSource ? [message, defer, deferUpdate, update] : [message, defer];
  return [message, defer, modal];
}

type Answer = (
  simulation: Simulation,
  interaction: InteractionState,
  request: RouteRequest<CallbackBody>,
) => void;

const answers: Readonly<Record<number, Answer>> = {
  [callbackTypes.message](simulation, interaction, { body, files }) {
    const content = createdContent(simulation.world.ids, body.data ?? {}, files, answerFlags);
    interaction.original = postAnswer(simulation, interaction, content, body.data ?? {});
    const ephemeral = (content.flags & messageFlags.ephemeral) !== 0;
    simulation.interactions.settle(interaction, { kind: 'message', ephemeral });
  },
  [callbackTypes.defer](simulation, interaction, { body }) {
    // Of the flags a defer takes only the one that hides the answer from others.
    const flags = ((body.data?.flags ?? 0) & messageFlags.ephemeral) | messageFlags.loading;
    const empty = { content: '', embeds: [], components: [], attachments: [], flags };
    interaction.original = postAnswer(simulation, interaction, empty, {});
    const ephemeral = (flags & messageFlags.ephemeral) !== 0;
    simulation.interactions.settle(interaction, { kind: 'defer', ephemeral });
  },
  [callbackTypes.deferUpdate](simulation, interaction) {
    interaction.original = interaction.source;
    simulation.interactions.settle(interaction, { kind: 'deferUpdate' });
  },
  [callbackTypes.update](simulation, interaction, { body, files }) {
    const { source } = interaction;
    if (source === undefined || source.deleted) throw refusal('unknownMessage');
    reviseAnswer(
      simulation,
      source,
      body.data ?? {},
      editedContent(simulation.world.ids, source, body.data ?? {}, files),
    );
    interaction.original = source;
    simulation.interactions.settle(interaction, { kind: 'update' });
  },
  [callbackTypes.choices](simulation, interaction, { body }) {
    simulation.interactions.settle(interaction, { kind: 'choices', choices: body.data?.choices ?? [] });
  },
  [callbackTypes.modal](simulation, interaction, { body }) {
    simulation.interactions.settle(interaction, { kind: 'modal', modal: (body.data ?? {}) as Wire });
  },
};

/** Flags an answer to an interaction may carry. */
export const answerFlags =
  messageFlags.suppressEmbeds |
  messageFlags.ephemeral |
  messageFlags.suppressNotifications |
  messageFlags.componentsV2;

/** Posts a message in answer to an interaction. It needs no permission in the channel. */
export function postAnswer(
  simulation: Simulation,
  interaction: InteractionState,
  content: MessageContent,
  body: MessageBody,
): StoredMessage {
  const { bot } = simulation.world;
  const isEphemeral = (content.flags & messageFlags.ephemeral) !== 0;
  return post(simulation, interaction.channel, bot, content, {
    ...placeOf(interaction),
    interaction: { id: interaction.id, user: interaction.user, metadata: interaction.metadata },
    ...(isEphemeral ? { ephemeralTo: interaction.user.id } : {}),
    mentions: answerMentions(simulation, interaction.channel, content.content, body),
  });
}

/** Later messages reply to the first one, and an answer to a component to the component's message. */
function placeOf({ answerType, original, source, channel }: InteractionState): MessageExtras {
  const target = original ?? source;
  if (target === undefined) return { type: answerType };
  return { type: 19, reference: referenceTo(channel, target.id, 0) };
}

export function reviseAnswer(
  simulation: Simulation,
  message: StoredMessage,
  body: MessageBody,
  content: MessageContent,
): void {
  revise(simulation, message, content, answerMentions(simulation, message.channel, content.content, body));
}

function answerMentions(
  simulation: Simulation,
  channel: StoredMessage['channel'],
  text: string,
  body: MessageBody,
): StoredMessage['mentions'] {
  return computeMentions(text, body.allowed_mentions, {
    channel,
    author: simulation.world.bot,
    nowMs: simulation.now(),
    replied: undefined,
    isAnswer: true,
  });
}

function described(simulation: Simulation, interaction: InteractionState, type: number): RouteAnswer {
  const { original, channel, guild } = interaction;
  const shown = type === callbackTypes.message || type === callbackTypes.update ? original : undefined;
  return answered({
    interaction: {
      id: interaction.id,
      type: interaction.type,
      channel_id: channel.id,
      ...(guild === undefined ? {} : { guild_id: guild.id }),
      ...(original === undefined
        ? {}
        : {
            response_message_id: original.id,
            response_message_loading: (original.flags & messageFlags.loading) !== 0,
            response_message_ephemeral: original.ephemeralTo !== undefined,
          }),
    },
    ...(shown === undefined
      ? {}
      : { resource: { type, message: messageObject(simulation.restView(), shown) } }),
  });
}

/** Wrong fields of a callback's message stand under `data`. */
function inData(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof DiscordRefusal) || error.problems.length === 0) throw error;
    throw invalidForm(error.problems.map((problem) => ({ ...problem, path: ['data', ...problem.path] })));
  }
}
