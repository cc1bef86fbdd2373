import { applicationFlags } from '../intents.ts';
import { channelObject, userObject } from '../objects.ts';
import { refusal } from '../refusal.ts';
import { visibleChannel } from './access.ts';
import { answered, param } from './route.ts';
import type { Handler } from './route.ts';

/** `host` is the address by which the bot reached the simulator, which may be a proxy's. */
export function gatewayBot(host: string): Handler {
  return (simulation) =>
    answered({
      url: `ws://${host}/gateway`,
      shards: Math.max(1, Math.ceil(simulation.world.guilds.size / 1000)),
      session_start_limit: simulation.starts.limit(),
    });
}

export const currentUser: Handler = ({ world }) =>
  answered({ ...userObject(world.bot), mfa_enabled: false, locale: 'en-US', email: null, verified: true });

export const user: Handler = ({ world }, request) => {
  const found = world.users.get(param(request, 'user_id'));
  if (found === undefined) throw refusal('unknownUser');
  return answered(userObject(found));
};

export const currentApplication: Handler = ({ options, world }) => {
  const flags = applicationFlags(options.privilegedIntents);
  return answered({
    id: options.applicationId,
    name: options.username,
    icon: null,
    description: '',
    type: null,
    bot: userObject(world.bot),
    bot_public: true,
    bot_require_code_grant: false,
    verify_key: '0'.repeat(64),
    flags,
    flags_new: String(flags),
    redirect_uris: [],
    interactions_endpoint_url: null,
    role_connections_verification_url: null,
    owner: userObject({ ...world.bot, id: '1100000000000000003', username: 'operator', isBot: false }),
    approximate_guild_count: world.guilds.size,
    approximate_user_install_count: 0,
    approximate_user_authorization_count: 0,
    explicit_content_filter: 0,
    team: null,
    eligible_oauth2_scopes: [],
  });
};

/** Opens direct messages with a person. */
export const openDirectMessages: Handler<{ recipient_id?: string | null }> = ({ world }, { body }) => {
  const recipient = world.users.get(body.recipient_id ?? '');
  if (recipient === undefined || recipient.isBot) throw refusal('invalidRecipients');
  return answered(channelObject(world.directMessages(recipient), world.bot.id));
};

export const channel: Handler = (simulation, request) =>
  answered(channelObject(visibleChannel(simulation, param(request, 'channel_id')), simulation.world.bot.id));
