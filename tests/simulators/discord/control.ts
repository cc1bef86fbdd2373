import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimInvoked } from './channel-handle.ts';
import type { OptionValues } from './command-options.ts';
import { respond } from './endpoint.ts';
import type { Fault } from './faults.ts';
import type { ChannelOptions, GuildOptions, OverwriteOptions } from './guilds.ts';
import type { SimGuild, SimUser } from './handles.ts';
import type { ModalValues } from './modals.ts';
import type { SendOptions } from './people.ts';
import type { PermissionName } from './permissions.ts';
import { readBytes } from './request-body.ts';
import type { DiscordSimulator } from './simulator.ts';
import type { UserState, Wire } from './world.ts';

/** What any control may carry; each reads the fields it needs. */
export interface ControlBody {
  guildId: string;
  channelId: string;
  userId: string;
  targetId: string;
  messageId: string;
  interactionId: string;
  customId: string;
  text: string;
  name: string;
  option: string;
  values: OptionValues;
  modal: ModalValues;
  chosen: readonly string[];
  names: readonly string[];
  profile: Partial<UserState>;
  guild: GuildOptions;
  channel: string | ChannelOptions;
  options: Omit<SendOptions, 'files'>;
  /** Attachments with their content in base64. */
  files: readonly { name: string; contentType: string; base64: string }[];
  thread: { messageId?: string; isPrivate?: boolean };
  change: { archived?: boolean; locked?: boolean };
  overwrite: OverwriteOptions;
  permissions: readonly PermissionName[];
  isOn: boolean;
  seconds: number;
  ms: number;
  code: number;
  count: number;
  payload: Wire;
  sku: string;
  scope: 'guild' | 'user';
  entitlementId: string;
  isMissed: boolean;
  route: string;
  fault: Fault;
  /** `null` stands for all requests. */
  times: number | null;
}

type Control = (simulator: DiscordSimulator, body: ControlBody) => unknown;

const inChannel = (simulator: DiscordSimulator, { channelId }: ControlBody) =>
  simulator.channel({ id: channelId });
const inGuild = (simulator: DiscordSimulator, { guildId }: ControlBody) =>
  simulator.knownGuild({ id: guildId });
const person = ({ userId }: ControlBody) => ({ id: userId });
const begun = ({ id }: SimInvoked) => ({ id });
const account = ({ id, username, globalName, locale }: SimUser) => ({ id, username, globalName, locale });
const place = ({ id, name }: SimGuild) => ({ id, name });

/** The controls of another process: the simulator's own methods, with ids in place of handles. */
const controls: Readonly<Record<string, Control>> = {
  user: (simulator, { profile }) => account(simulator.user(profile)),
  guild: (simulator, { guild }) => place(simulator.guild(guild)),
  dm: (simulator, { userId }) => simulator.knownUser({ id: userId }).dm(),
  setDms: (simulator, { userId, isOn }) => simulator.knownUser({ id: userId }).setDms(isOn),
  channel: (simulator, body) => inGuild(simulator, body).channel(body.name),
  addChannel: (simulator, body) => inGuild(simulator, body).addChannel(body.channel),
  role: (simulator, body) => inGuild(simulator, body).role(body.name),
  join: (simulator, body) => inGuild(simulator, body).join(person(body)),
  leave: (simulator, body) => inGuild(simulator, body).leave(person(body)),
  setRoles: (simulator, body) => inGuild(simulator, body).setRoles(person(body), body.names),
  timeOut: (simulator, body) => inGuild(simulator, body).timeOut(person(body), body.ms),
  addBot: (simulator, body) => inGuild(simulator, body).addBot(body.permissions),
  removeBot: (simulator, body) => inGuild(simulator, body).removeBot(),
  setAvailable: (simulator, body) => inGuild(simulator, body).setAvailable(body.isOn),
  send: (simulator, body) => inChannel(simulator, body).send(person(body), body.text, sendOptions(body)),
  edit: (simulator, body) => inChannel(simulator, body).edit(person(body), body.messageId, body.text),
  delete: (simulator, body) => inChannel(simulator, body).delete(person(body), body.messageId),
  react: (simulator, body) =>
    inChannel(simulator, body).react(person(body), body.messageId, body.text, body.isOn),
  typing: (simulator, body) => inChannel(simulator, body).typing(person(body)),
  slash: (simulator, body) => begun(inChannel(simulator, body).slash(person(body), body.name, body.values)),
  messageCommand: (simulator, body) =>
    begun(inChannel(simulator, body).messageCommand(person(body), body.messageId, body.name)),
  userCommand: (simulator, body) =>
    begun(inChannel(simulator, body).userCommand(person(body), { id: body.targetId }, body.name)),
  autocomplete: (simulator, body) =>
    inChannel(simulator, body).autocomplete(person(body), body.name, body.option, body.values),
  press: (simulator, body) =>
    begun(inChannel(simulator, body).press(person(body), body.messageId, body.customId)),
  select: (simulator, body) =>
    begun(inChannel(simulator, body).select(person(body), body.messageId, body.customId, body.chosen)),
  submitModal: (simulator, body) =>
    begun(inChannel(simulator, body).submitModal(person(body), body.interactionId, body.modal)),
  interaction: (simulator, { interactionId }) => simulator.interaction(interactionId),
  startThread: (simulator, body) =>
    inChannel(simulator, body).startThread(person(body), body.name, body.thread),
  forumPost: (simulator, body) => inChannel(simulator, body).forumPost(person(body), body.name, body.text),
  setThread: (simulator, body) => inChannel(simulator, body).setThread(body.change),
  invite: (simulator, body) => inChannel(simulator, body).invite(person(body)),
  unfurl: (simulator, body) => inChannel(simulator, body).unfurl(body.messageId),
  removeChannel: (simulator, body) => inChannel(simulator, body).remove(),
  setSlowMode: (simulator, body) => inChannel(simulator, body).setSlowMode(body.seconds),
  overwrite: (simulator, body) => inChannel(simulator, body).overwrite(body.overwrite),
  messages: (simulator, body) => inChannel(simulator, body).messages(),
  history: (simulator, body) => inChannel(simulator, body).history(),
  ephemeral: (simulator, body) => inChannel(simulator, body).ephemeral(person(body)),
  isTyping: (simulator, body) => inChannel(simulator, body).isTyping(),
  commands: (simulator, { guildId }) => simulator.commands(guildId),
  fault: (simulator, { route, fault, times, channelId }) =>
    simulator.fault(route, fault, {
      ...(times === undefined ? {} : { times: times ?? Infinity }),
      ...(channelId === undefined ? {} : { channelId }),
    }),
  sessions: (simulator) => simulator.gateway.sessions(),
  drop: (simulator) => simulator.gateway.drop(),
  close: (simulator, { code }) => simulator.gateway.close(code),
  reconnect: (simulator) => simulator.gateway.reconnect(),
  invalidate: (simulator, { isOn }) => simulator.gateway.invalidate(isOn),
  zombie: (simulator) => simulator.gateway.zombie(),
  replay: (simulator, { count }) => simulator.gateway.replay(count),
  delay: (simulator, { ms }) => simulator.gateway.delay(ms),
  refuse: (simulator, { count }) => simulator.gateway.refuse(count),
  emit: (simulator, { name, payload, guildId }) => simulator.gateway.emit(name, payload, guildId),
  offer: (simulator, { name, scope }) => simulator.shop.offer({ name, scope }),
  subscribe: (simulator, { sku, userId, guildId, isMissed }: Partial<ControlBody>) =>
    simulator.shop.subscribe({
      sku: sku ?? '',
      user: { id: userId ?? '' },
      ...(guildId === undefined ? {} : { guild: { id: guildId } }),
      isMissed: isMissed === true,
    }),
  endEntitlement: (simulator, { entitlementId, isMissed }) => simulator.shop.end(entitlementId, { isMissed }),
  removeEntitlement: (simulator, { entitlementId, isMissed }) =>
    simulator.shop.remove(entitlementId, { isMissed }),
  calls: (simulator) => simulator.calls,
  pings: (simulator) => simulator.pings,
  violations: (simulator) => simulator.violations,
  invalidRequests: (simulator) => simulator.invalidRequests(),
  revokeToken: (simulator) => simulator.revokeToken(),
  reset: (simulator) => simulator.reset(),
};

/** Answers `/__simulator/<control>`: GET with ids in the query, POST with a JSON body. The result is `{result}` or `{error}`. */
export async function answerControl(
  simulator: DiscordSimulator,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const control = controls[url.pathname.slice('/__simulator/'.length)];
  if (control === undefined) {
    respond(response, 404, { error: 'There is no such control.' });
    return;
  }
  try {
    const text = (await readBytes(request)).toString('utf8');
    const body: unknown = text === '' ? Object.fromEntries(url.searchParams) : JSON.parse(text);
    respond(response, 200, { result: (await control(simulator, body as ControlBody)) ?? null });
  } catch (error) {
    respond(response, 400, { error: error instanceof Error ? error.message : String(error) });
  }
}

function sendOptions({ options, files }: ControlBody): SendOptions {
  if (files === undefined) return options ?? {};
  return {
    ...options,
    files: files.map(({ base64, ...rest }) => ({ ...rest, content: Buffer.from(base64, 'base64') })),
  };
}
