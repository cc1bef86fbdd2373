import { createdContent, editedContent, messageFlags } from '../content.ts';
import type { MessageBody, MessageContent } from '../content.ts';
import type { InteractionState } from '../interactions.ts';
import { messageObject } from '../message-object.ts';
import { remove } from '../messages.ts';
import { refusal } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import type { StoredMessage } from '../world.ts';
import { answerFlags, postAnswer, reviseAnswer } from './callback.ts';
import { answered, nothing, param } from './route.ts';
import type { Handler, RouteRequest } from './route.ts';

/** How long an interaction's token is good for. */
const tokenLifeMs = 900_000;

/** Follow-ups of an application that is installed by the person alone. */
const mostUserInstallFollowUps = 5;

/**
 * Sends another message. Right after a defer it fills the message that shows as loading instead, whose visibility stays as the defer
 * fixed it.
 */
export const createFollowUp: Handler<MessageBody> = (simulation, request) => {
  const interaction = answeredInteraction(simulation, request);
  const { body, files } = request;
  const { original } = interaction;
  if (original !== undefined && isLoading(original)) return answered(fill(simulation, original, request));
  if (interaction.isUserInstall && interaction.followUps.length >= mostUserInstallFollowUps) {
    throw refusal('tooManyFollowUps');
  }
  const content = createdContent(simulation.world.ids, body, files, answerFlags);
  const message = postAnswer(simulation, interaction, content, body);
  interaction.followUps.push(message);
  return answered(messageObject(simulation.restView(), message));
};

export const getAnswer: Handler = (simulation, request) =>
  answered(messageObject(simulation.restView(), answerOf(simulation, request)));

export const editAnswer: Handler<MessageBody> = (simulation, request) =>
  answered(fill(simulation, answerOf(simulation, request), request));

export const deleteAnswer: Handler = (simulation, request) => {
  remove(simulation, answerOf(simulation, request));
  return nothing;
};

function fill(
  simulation: Simulation,
  message: StoredMessage,
  { body, files }: RouteRequest<MessageBody>,
): object {
  const { ids } = simulation.world;
  const content = isLoading(message)
    ? withVisibility(createdContent(ids, body, files, answerFlags), message)
    : editedContent(ids, message, body, files);
  reviseAnswer(simulation, message, body, content);
  return messageObject(simulation.restView(), message);
}

function isLoading({ flags }: StoredMessage): boolean {
  return (flags & messageFlags.loading) !== 0;
}

function withVisibility(content: MessageContent, { flags }: StoredMessage): MessageContent {
  return { ...content, flags: (content.flags & ~messageFlags.ephemeral) | (flags & messageFlags.ephemeral) };
}

/** `@original`, or a message that the interaction was answered with. */
function answerOf(simulation: Simulation, request: RouteRequest<unknown>): StoredMessage {
  const { original, followUps } = answeredInteraction(simulation, request);
  const id = request.params['message_id'];
  const message =
    id === undefined ? original : [original, ...followUps].find((candidate) => candidate?.id === id);
  if (message === undefined || message.deleted) throw refusal('unknownMessage');
  return message;
}

/** The interaction of a token that is still good. Before the first answer, and after a missed deadline, it is no webhook yet. */
function answeredInteraction(simulation: Simulation, request: RouteRequest<unknown>): InteractionState {
  const interaction = simulation.interactions.find(param(request, 'webhook_token'));
  if (interaction === undefined || param(request, 'webhook_id') !== simulation.options.applicationId) {
    throw refusal('unknownWebhook');
  }
  if (simulation.now() - interaction.createdAtMs > tokenLifeMs) throw refusal('invalidWebhookToken');
  const { answer } = interaction;
  if (answer === undefined || answer.kind === 'choices') throw refusal('unknownWebhook');
  return interaction;
}
