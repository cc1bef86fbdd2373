import { RESTEvents, type REST } from 'discord.js';
import type { InteractionAccess } from './address.ts';
import type { Lane, SendBudget } from './pacing.ts';

/** Sends and edits in a channel, thread or direct message: they have been seen to share one limit. */
export function channelLane(channelId: string): Lane {
  return { key: `channels/${channelId}`, isGlobal: true };
}

/** Opening the threads of a channel, or a thread that is archived. */
export function threadLane(channelId: string): Lane {
  return { key: `threads/${channelId}`, isGlobal: true };
}

export function readLane(channelId: string): Lane {
  return { key: `reads/${channelId}`, isGlobal: true };
}

/** Typing has a limit of its own, which must not hold up messages. */
export function typingLane(channelId: string): Lane {
  return { key: `typing/${channelId}`, isGlobal: true };
}

/** Reactions have a narrow limit of their own: one in 250 ms a channel was seen, and room is left for uneven travel. */
export function reactionLane(channelId: string): Lane {
  return { key: `reactions/${channelId}`, isGlobal: true, window: { windowMs: 450, calls: 1 } };
}

/** Calls with the token of an interaction, which the bot's own limits do not touch. */
export function interactionLane({ applicationId, token }: Omit<InteractionAccess, 'expiresAtMs'>): Lane {
  return { key: `webhooks/${applicationId}/${token}`, isGlobal: false };
}

/** Lets the budget know what Discord counts (topics/rate-limits "Header Examples"). */
export function heedHeaders(rest: REST, budget: SendBudget): void {
  rest.on(RESTEvents.Response, ({ method, path }, { headers }) => {
    const lane = laneOfCall(method, path);
    const remaining = headers.get('x-ratelimit-remaining');
    const resetAfterSeconds = headers.get('x-ratelimit-reset-after');
    if (lane === null || remaining === null || resetAfterSeconds === null) return;
    budget.note(lane.key, Number(remaining), Number(resetAfterSeconds) * 1000);
  });
}

/** The lane whose places a call has used, if it sent or edited a message. `path` begins behind the API's version. */
function laneOfCall(method: string, path: string): Lane | null {
  if (method !== 'POST' && method !== 'PATCH') return null;
  const channelId = /^\/channels\/(\d+)\/messages(?:\/\d+)?(?:\?|$)/.exec(path)?.[1];
  if (channelId !== undefined) return channelLane(channelId);
  const [, applicationId, token] = /^\/webhooks\/(\d+)\/([^/?]+)/.exec(path) ?? [];
  return applicationId === undefined || token === undefined
    ? null
    : interactionLane({ applicationId, token });
}
