import { routeNames } from '../specification.ts';
import { channel, currentApplication, currentUser, gatewayBot, openDirectMessages, user } from './account.ts';
import { createFollowUp, deleteAnswer, editAnswer, getAnswer } from './answers.ts';
import { callback } from './callback.ts';
import { createCommand, listCommands, overwriteCommands } from './commands.ts';
import { activeThreads, guild, guildChannels, leaveGuild, member, members, roles } from './guilds.ts';
import {
  bulkDelete,
  createMessage,
  deleteMessage,
  editMessage,
  getMessage,
  listMessages,
} from './messages.ts';
import { createTestEntitlement, deleteTestEntitlement, entitlements, skus } from './shop.ts';
import { addReaction, removeReaction, startTyping } from './presence.ts';
import type { Route } from './route.ts';
import { createThread, editThread, joinThread, startThread } from './threads.ts';

const message = '/channels/{channel_id}/messages/{message_id}';
const reaction = `${message}/reactions/{emoji_name}/@me`;
const commands = '/applications/{application_id}/commands';
const guildCommands = '/applications/{application_id}/guilds/{guild_id}/commands';
const webhook = '/webhooks/{webhook_id}/{webhook_token}';

/** Every route the simulator plays, by its name in the API's description. `host` is how the client reached the simulator. */
export function routeTable(host: string): Readonly<Record<string, Route>> {
  return {
    'GET /gateway/bot': { handle: gatewayBot(host), bucket: 'other' },
    ...routes,
  };
}

const routes: Readonly<Record<string, Route>> = {
  'GET /users/@me': { handle: currentUser, bucket: 'other' },
  'GET /users/{user_id}': { handle: user, bucket: 'other' },
  'POST /users/@me/channels': { handle: openDirectMessages, bucket: 'other' },
  'GET /applications/@me': { handle: currentApplication, bucket: 'other' },
  'GET /channels/{channel_id}': { handle: channel, bucket: 'other' },
  'PATCH /channels/{channel_id}': { handle: editThread, bucket: 'thread' },
  'GET /channels/{channel_id}/messages': { handle: listMessages, bucket: 'readMessages' },
  'POST /channels/{channel_id}/messages': { handle: createMessage, bucket: 'createMessage' },
  'POST /channels/{channel_id}/messages/bulk-delete': { handle: bulkDelete, bucket: 'deleteMessage' },
  [`GET ${message}`]: { handle: getMessage, bucket: 'readMessages' },
  [`PATCH ${message}`]: { handle: editMessage, bucket: 'editMessage' },
  [`DELETE ${message}`]: { handle: deleteMessage, bucket: 'deleteMessage' },
  [`PUT ${reaction}`]: { handle: addReaction, bucket: 'reaction' },
  [`DELETE ${reaction}`]: { handle: removeReaction, bucket: 'reaction' },
  [`POST ${message}/threads`]: { handle: startThread, bucket: 'thread' },
  'POST /channels/{channel_id}/threads': { handle: createThread, bucket: 'thread' },
  'PUT /channels/{channel_id}/thread-members/@me': { handle: joinThread, bucket: 'thread' },
  'POST /channels/{channel_id}/typing': { handle: startTyping, bucket: 'typing' },
  'DELETE /users/@me/guilds/{guild_id}': { handle: leaveGuild, bucket: 'other' },
  'GET /guilds/{guild_id}': { handle: guild, bucket: 'other' },
  'GET /guilds/{guild_id}/channels': { handle: guildChannels, bucket: 'other' },
  'GET /guilds/{guild_id}/members': { handle: members, bucket: 'other' },
  'GET /guilds/{guild_id}/members/{user_id}': { handle: member, bucket: 'other' },
  'GET /guilds/{guild_id}/roles': { handle: roles, bucket: 'other' },
  'GET /guilds/{guild_id}/threads/active': { handle: activeThreads, bucket: 'other' },
  [`GET ${commands}`]: { handle: listCommands, bucket: 'other' },
  [`PUT ${commands}`]: { handle: overwriteCommands, bucket: 'other' },
  [`POST ${commands}`]: { handle: createCommand, bucket: 'other' },
  [`GET ${guildCommands}`]: { handle: listCommands, bucket: 'other' },
  [`PUT ${guildCommands}`]: { handle: overwriteCommands, bucket: 'other' },
  'GET /applications/{application_id}/skus': { handle: skus, bucket: 'other' },
  'GET /applications/{application_id}/entitlements': { handle: entitlements, bucket: 'other' },
  'POST /applications/{application_id}/entitlements': { handle: createTestEntitlement, bucket: 'other' },
  'DELETE /applications/{application_id}/entitlements/{entitlement_id}': {
    handle: deleteTestEntitlement,
    bucket: 'other',
  },
  'POST /interactions/{interaction_id}/{interaction_token}/callback': { handle: callback, bucket: 'none' },
  [`POST ${webhook}`]: { handle: createFollowUp, bucket: 'followUp' },
  ...answerRoutes('@original'),
  ...answerRoutes('{message_id}'),
};

function answerRoutes(which: string): Readonly<Record<string, Route>> {
  const path = `${webhook}/messages/${which}`;
  return {
    [`GET ${path}`]: { handle: getAnswer, bucket: 'editAnswer' },
    [`PATCH ${path}`]: { handle: editAnswer, bucket: 'editAnswer' },
    [`DELETE ${path}`]: { handle: deleteAnswer, bucket: 'editAnswer' },
  };
}

interface Template {
  readonly name: string;
  readonly method: string;
  readonly names: readonly string[];
  readonly pattern: RegExp;
}

/** Paths with fewer parameters come first, so that `@me` is not taken for an id. */
const templates: readonly Template[] = routeNames
  .map((name) => {
    const [method = '', path = ''] = name.split(' ');
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter ?? '');
    return { name, method, names, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`) };
  })
  .toSorted((left, right) => left.names.length - right.names.length);

export interface RouteMatch {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
}

/** The route of a request: its name and parameters, or the status to refuse it with. */
export function matchRoute(method: string, path: string): RouteMatch | 404 | 405 {
  const candidates = templates.filter(({ pattern }) => pattern.test(path));
  const template = candidates.find((candidate) => candidate.method === method);
  if (template === undefined) return candidates.length === 0 ? 404 : 405;
  const values = template.pattern.exec(path)?.slice(1) ?? [];
  const params = template.names.map((name, index) => [name, values[index] ?? ''] as const);
  return { name: template.name, params: Object.fromEntries(params) };
}
