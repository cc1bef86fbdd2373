import type { SimChannel } from './channel-handle.ts';
import type { Command } from './commands.ts';
import type { Fault, FaultOptions } from './faults.ts';
import type { GatewayControls } from './gateway.ts';
import type { GuildOptions } from './guilds.ts';
import type { SimGuild, SimUser } from './handles.ts';
import type { Ping } from './messages.ts';
import type { DiscordCall } from './simulation.ts';
import type { ShopControls } from './shop.ts';
import type { SimInteraction } from './views.ts';
import type { UserState } from './world.ts';

/** Discord on this machine, with the people who talk to the bot. */
export interface DiscordSimulator {
  /** For DISCORD_API_URL; ends in `/api`. */
  readonly url: string;
  readonly token: string;
  readonly applicationId: string;
  /** The bot's own account. */
  readonly bot: UserState;
  /** Every request of the bot, in the order of arrival. */
  readonly calls: readonly DiscordCall[];
  /** Everyone the bot's messages pinged, by creation or edit. */
  readonly pings: readonly Ping[];
  /** Departures of what the simulator itself sent from the API's description. Empty unless the simulator is wrong. */
  readonly violations: readonly string[];
  readonly gateway: GatewayControls;
  readonly shop: ShopControls;
  user(profile?: Partial<UserState>): SimUser;
  guild(options?: GuildOptions): SimGuild;
  /** A channel, thread or conversation by its id; throws when there is none. */
  channel(channel: { readonly id: string }): SimChannel;
  knownGuild(guild: { readonly id: string }): SimGuild;
  knownUser(user: Pick<UserState, 'id'>): SimUser;
  /** What came of an interaction so far; throws when there is none with this id. */
  interaction(id: string): SimInteraction;
  /** Registered commands of a guild, or the global ones. */
  commands(guildId?: string): readonly Command[];
  /** Makes the next request of a route, `METHOD /path/{parameter}` or `*`, go wrong; throws when there is no such route. */
  fault(route: string, fault: Fault, options?: FaultOptions): void;
  /** Requests answered with 401, 403 or 429 in the last ten minutes, shared limits left out. */
  invalidRequests(): number;
  /** Makes the token invalid, as a reset in the developer portal does. */
  revokeToken(): void;
  /** Forgets people, guilds, messages, calls and faults; a connected bot is told that its guilds are gone. Commands and sessions stay. */
  reset(): void;
  /** Closes the server and every connection. */
  stop(): Promise<void>;
}
