import type { BaseInteraction } from 'discord.js';
import type { ReplyTarget } from '../../platform/message.ts';
import type { Seal } from './seal.ts';

/** Where an answer goes. */
export interface Address {
  /** Where the question stands, or where the command was used. */
  readonly channelId: string;
  readonly isPrivate: boolean;
  /** The message that is answered; null for commands. */
  readonly questionId: string | null;
  /** A thread could start at the question. */
  readonly canOpenThread: boolean;
  /** The message of a deferred interaction response ("thinking…"), which becomes the first part. */
  readonly responseId: string | null;
  /** Null where there is none, or its token can't be used any more. */
  readonly interaction: InteractionAccess | null;
}

export interface InteractionAccess {
  readonly applicationId: string;
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** An address with nothing but its channel. */
export function addressAt(channelId: string, isPrivate: boolean): Address {
  return {
    channelId,
    isPrivate,
    questionId: null,
    canOpenThread: false,
    responseId: null,
    interaction: null,
  };
}

/** Where the answer to an interaction goes while its token lives; `responseId` is null until there is a response. */
export function addressOf(interaction: BaseInteraction, responseId: string | null = null): Address {
  const { applicationId, token, channelId, guildId } = interaction;
  return {
    ...addressAt(channelId ?? '', guildId === null),
    responseId,
    interaction: { applicationId, token, expiresAtMs: Date.now() + TOKEN_LIFE_MS },
  };
}

/** How long a token lives (interactions/receiving-and-responding "Followup Messages"). */
const TOKEN_LIFE_MS = 900_000;

/** An interaction whose response shows as "thinking…", or did. */
export function isDeferred({ interaction, responseId }: Address): boolean {
  return interaction !== null || responseId !== null;
}

/** Flat and storable. The token stands encrypted under `sealed`, which the store forgets when it can't be of use any more. */
export function toReplyTarget(address: Address, seal: Seal): ReplyTarget {
  const { channelId, isPrivate, questionId, canOpenThread, responseId, interaction } = address;
  const target = { channelId, isPrivate, questionId, canOpenThread, responseId };
  if (interaction === null) return target;
  const { applicationId, token, expiresAtMs } = interaction;
  return { ...target, applicationId, expiresAtMs, sealed: seal.seal(token) };
}

/**
 * The address of a stored target, without interaction when its token is gone, over or can't be opened.
 * @throws TypeError when the target was not made by {@link toReplyTarget}.
 */
export function fromReplyTarget(target: ReplyTarget, seal: Seal, nowMs: number): Address {
  const { channelId, isPrivate, questionId = null, canOpenThread, responseId = null } = target;
  if (
    typeof channelId !== 'string' ||
    typeof isPrivate !== 'boolean' ||
    typeof canOpenThread !== 'boolean' ||
    !isTextOrNull(questionId) ||
    !isTextOrNull(responseId)
  ) {
    throw new TypeError('not a Discord reply target');
  }
  const interaction = openInteraction(target, seal, nowMs);
  return { channelId, isPrivate, questionId, canOpenThread, responseId, interaction };
}

function openInteraction(target: ReplyTarget, seal: Seal, nowMs: number): InteractionAccess | null {
  const { applicationId, expiresAtMs, sealed } = target;
  if (typeof applicationId !== 'string' || typeof expiresAtMs !== 'number' || typeof sealed !== 'string')
    return null;
  if (expiresAtMs <= nowMs) return null;
  const token = seal.open(sealed);
  return token === null ? null : { applicationId, token, expiresAtMs };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
