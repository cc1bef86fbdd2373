import type { OptionValues } from './command-options.ts';
import type { Command } from './commands.ts';
import type { ControlBody } from './control.ts';
import type { Fault, FaultOptions } from './faults.ts';
import type { SessionView } from './gateway.ts';
import type { ChannelOptions, GuildOptions, OverwriteOptions } from './guilds.ts';
import type { Ping } from './messages.ts';
import type { ModalValues } from './modals.ts';
import type { SendOptions } from './people.ts';
import type { DiscordCall } from './simulation.ts';
import type { SimInteraction, SimMessage } from './views.ts';
import type { UserState, Wire } from './world.ts';

type Who = Pick<UserState, 'id'>;
type Place = { readonly id: string; readonly name: string };

/** A channel of a simulator in another process. Every method rejects with the simulator's own error text. */
export interface RemoteDiscordChannel {
  readonly id: string;
  readonly name: string;
  send(user: Who, text: string, options?: SendOptions): Promise<string>;
  edit(user: Who, messageId: string, text: string): Promise<void>;
  delete(user: Who, messageId: string): Promise<void>;
  react(user: Who, messageId: string, emoji: string, isOn?: boolean): Promise<void>;
  typing(user: Who): Promise<void>;
  /** Ways to begin an interaction resolve with its id at once; `interaction` tells what came of it. */
  slash(user: Who, name: string, values?: OptionValues): Promise<string>;
  messageCommand(user: Who, messageId: string, name: string): Promise<string>;
  userCommand(user: Who, target: Who, name: string): Promise<string>;
  autocomplete(user: Who, name: string, option: string, typed: OptionValues): Promise<readonly Wire[]>;
  press(user: Who, messageId: string, customId: string): Promise<string>;
  select(user: Who, messageId: string, customId: string, values: readonly string[]): Promise<string>;
  submitModal(user: Who, interactionId: string, values: ModalValues): Promise<string>;
  startThread(user: Who, name: string, options?: ControlBody['thread']): Promise<RemoteDiscordChannel>;
  forumPost(user: Who, title: string, text: string): Promise<RemoteDiscordChannel>;
  setThread(change: ControlBody['change']): Promise<void>;
  invite(user: Who): Promise<void>;
  unfurl(messageId: string): Promise<void>;
  remove(): Promise<void>;
  setSlowMode(seconds: number): Promise<void>;
  overwrite(overwrite: OverwriteOptions): Promise<void>;
  messages(): Promise<SimMessage[]>;
  history(): Promise<SimMessage[]>;
  ephemeral(user: Who): Promise<SimMessage[]>;
  isTyping(): Promise<boolean>;
}

/** A guild of a simulator in another process. */
export interface RemoteDiscordGuild {
  readonly id: string;
  readonly name: string;
  channel(name: string): Promise<RemoteDiscordChannel>;
  addChannel(channel: string | ChannelOptions): Promise<RemoteDiscordChannel>;
  role(name: string): Promise<string>;
  join(user: Who): Promise<void>;
  leave(user: Who): Promise<void>;
  setRoles(user: Who, names: readonly string[]): Promise<void>;
  timeOut(user: Who, ms: number): Promise<void>;
  addBot(permissions?: ControlBody['permissions']): Promise<void>;
  removeBot(): Promise<void>;
  setAvailable(isAvailable: boolean): Promise<void>;
}

/** The gateway's controls, as `GatewayControls`. */
interface RemoteGateway {
  sessions(): Promise<SessionView[]>;
  drop(): Promise<void>;
  close(code: number): Promise<void>;
  reconnect(): Promise<void>;
  invalidate(resumable: boolean): Promise<void>;
  zombie(): Promise<void>;
  replay(count: number): Promise<void>;
  delay(ms: number): Promise<void>;
  refuse(times: number): Promise<void>;
  emit(name: string, payload: Wire, guildId?: string): Promise<void>;
}

/** The controls of a simulator in another process. */
export interface RemoteDiscordSimulator {
  /** For DISCORD_API_URL. */
  readonly url: string;
  readonly gateway: RemoteGateway;
  user(profile?: Partial<UserState>): Promise<Who & { readonly username: string }>;
  guild(options?: GuildOptions): Promise<RemoteDiscordGuild>;
  dm(user: Who): Promise<RemoteDiscordChannel>;
  setDms(user: Who, areOpen: boolean): Promise<void>;
  interaction(id: string): Promise<SimInteraction>;
  commands(guildId?: string): Promise<Command[]>;
  fault(route: string, fault: Fault, options?: FaultOptions): Promise<void>;
  calls(): Promise<DiscordCall[]>;
  pings(): Promise<Ping[]>;
  violations(): Promise<string[]>;
  invalidRequests(): Promise<number>;
  revokeToken(): Promise<void>;
  reset(): Promise<void>;
}

type Ask = <Result>(control: string, body?: Partial<ControlBody>) => Promise<Result>;

/** Speaks to the simulator at `url` (as `DiscordSimulator.url`). Nothing is sent before the first method is called. */
export function connectDiscordSimulator(url: string): RemoteDiscordSimulator {
  const root = url.replace(/\/api\/?$/, '');
  const ask: Ask = async <Result>(control: string, body: Partial<ControlBody> = {}) => {
    const response = await fetch(`${root}/__simulator/${control}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { result: Result } | { error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  };
  return {
    url,
    gateway: remoteGateway(ask),
    user: (profile = {}) => ask('user', { profile }),
    guild: async (guild = {}) => remoteGuild(ask, await ask<Place>('guild', { guild })),
    dm: async ({ id }) => remoteChannel(ask, await ask<Place>('dm', { userId: id })),
    setDms: ({ id }, areOpen) => ask('setDms', { userId: id, isOn: areOpen }),
    interaction: (id) => ask('interaction', { interactionId: id }),
    commands: (guildId) => ask('commands', guildId === undefined ? {} : { guildId }),
    fault: (route, fault, { times = 1, channelId } = {}) =>
      ask('fault', {
        route,
        fault,
        times: Number.isFinite(times) ? times : null,
        ...(channelId === undefined ? {} : { channelId }),
      }),
    calls: () => ask('calls'),
    pings: () => ask('pings'),
    violations: () => ask('violations'),
    invalidRequests: () => ask('invalidRequests'),
    revokeToken: () => ask('revokeToken'),
    reset: () => ask('reset'),
  };
}

function remoteGateway(ask: Ask): RemoteGateway {
  return {
    sessions: () => ask('sessions'),
    drop: () => ask('drop'),
    close: (code) => ask('close', { code }),
    reconnect: () => ask('reconnect'),
    invalidate: (resumable) => ask('invalidate', { isOn: resumable }),
    zombie: () => ask('zombie'),
    replay: (count) => ask('replay', { count }),
    delay: (ms) => ask('delay', { ms }),
    refuse: (times) => ask('refuse', { count: times }),
    emit: (name, payload, guildId) =>
      ask('emit', { name, payload, ...(guildId === undefined ? {} : { guildId }) }),
  };
}

function remoteGuild(ask: Ask, { id: guildId, name: guildName }: Place): RemoteDiscordGuild {
  return {
    id: guildId,
    name: guildName,
    channel: async (name) => remoteChannel(ask, await ask<Place>('channel', { guildId, name })),
    addChannel: async (channel) => remoteChannel(ask, await ask<Place>('addChannel', { guildId, channel })),
    role: (name) => ask('role', { guildId, name }),
    join: ({ id }) => ask('join', { guildId, userId: id }),
    leave: ({ id }) => ask('leave', { guildId, userId: id }),
    setRoles: ({ id }, names) => ask('setRoles', { guildId, userId: id, names }),
    timeOut: ({ id }, ms) => ask('timeOut', { guildId, userId: id, ms }),
    addBot: (permissions = []) => ask('addBot', { guildId, permissions }),
    removeBot: () => ask('removeBot', { guildId }),
    setAvailable: (isOn) => ask('setAvailable', { guildId, isOn }),
  };
}

function remoteChannel(ask: Ask, { id: channelId, name: channelName }: Place): RemoteDiscordChannel {
  const begin = async (control: string, body: Partial<ControlBody>): Promise<string> =>
    (await ask<Who>(control, { channelId, ...body })).id;
  return {
    id: channelId,
    name: channelName,
    send: ({ id }, text, options = {}) => ask('send', { channelId, userId: id, text, ...sendBody(options) }),
    edit: ({ id }, messageId, text) => ask('edit', { channelId, userId: id, messageId, text }),
    delete: ({ id }, messageId) => ask('delete', { channelId, userId: id, messageId }),
    react: ({ id }, messageId, text, isOn = true) =>
      ask('react', { channelId, userId: id, messageId, text, isOn }),
    typing: ({ id }) => ask('typing', { channelId, userId: id }),
    slash: ({ id }, name, values = {}) => begin('slash', { userId: id, name, values }),
    messageCommand: ({ id }, messageId, name) => begin('messageCommand', { userId: id, messageId, name }),
    userCommand: ({ id }, target, name) => begin('userCommand', { userId: id, targetId: target.id, name }),
    autocomplete: ({ id }, name, option, values) =>
      ask('autocomplete', { channelId, userId: id, name, option, values }),
    press: ({ id }, messageId, customId) => begin('press', { userId: id, messageId, customId }),
    select: ({ id }, messageId, customId, chosen) =>
      begin('select', { userId: id, messageId, customId, chosen }),
    submitModal: ({ id }, interactionId, modal) => begin('submitModal', { userId: id, interactionId, modal }),
    startThread: async ({ id }, name, thread = {}) =>
      remoteChannel(ask, await ask<Place>('startThread', { channelId, userId: id, name, thread })),
    forumPost: async ({ id }, name, text) =>
      remoteChannel(ask, await ask<Place>('forumPost', { channelId, userId: id, name, text })),
    setThread: (change) => ask('setThread', { channelId, change }),
    invite: ({ id }) => ask('invite', { channelId, userId: id }),
    unfurl: (messageId) => ask('unfurl', { channelId, messageId }),
    remove: () => ask('removeChannel', { channelId }),
    setSlowMode: (seconds) => ask('setSlowMode', { channelId, seconds }),
    overwrite: (overwrite) => ask('overwrite', { channelId, overwrite }),
    messages: () => ask('messages', { channelId }),
    history: () => ask('history', { channelId }),
    ephemeral: ({ id }) => ask('ephemeral', { channelId, userId: id }),
    isTyping: () => ask('isTyping', { channelId }),
  };
}

function sendBody({ files, ...options }: SendOptions): Partial<ControlBody> {
  if (files === undefined) return { options };
  const encoded = files.map(({ content, ...rest }) => ({
    ...rest,
    base64: Buffer.from(content).toString('base64'),
  }));
  return { options, files: encoded };
}
