import { announceChannel } from './events.ts';
import { setOverwrite } from './guilds.ts';
import type { OverwriteOptions } from './guilds.ts';
import type { OptionValues } from './command-options.ts';
import type { InteractionAnswer } from './interactions.ts';
import {
  autocompleteAs,
  messageCommandAs,
  pressAs,
  slashAs,
  submitModalAs,
  userCommandAs,
} from './invoking.ts';
import type { Invocation, Invoked } from './invoking.ts';
import type { ModalValues } from './modals.ts';
import {
  deleteAs,
  deleteChannel,
  editAs,
  existing,
  forumPostAs,
  inviteToThread,
  reactAs,
  sendAs,
  startThreadAs,
  typeAs,
  unfurl,
} from './people.ts';
import type { SendOptions } from './people.ts';
import type { Simulation } from './simulation.ts';
import { interactionView, messageView } from './views.ts';
import type { SimInteraction, SimMessage } from './views.ts';
import type { ChannelState, UserState, Wire } from './world.ts';

type Who = Pick<UserState, 'id'>;

/** An interaction that a person began. */
export interface SimInvoked {
  readonly id: string;
  /** Resolves with the bot's first answer; rejects when the simulator is reset or stopped before. */
  readonly answer: Promise<InteractionAnswer>;
  /** What came of it so far. */
  readonly view: () => SimInteraction;
}

/** A channel, thread or conversation from its readers' side. Methods throw when the person could not do that in a real one. */
export interface SimChannel {
  readonly id: string;
  readonly name: string;
  readonly type: number;
  readonly guildId: string | undefined;
  /** Returns the new message's id. */
  send(user: Who, text: string, options?: SendOptions): string;
  edit(user: Who, messageId: string, text: string): void;
  delete(user: Who, messageId: string): void;
  react(user: Who, messageId: string, emoji: string, isOn?: boolean): void;
  typing(user: Who): void;
  /** Uses a slash command; `name` holds its words, as in `model set`. */
  slash(user: Who, name: string, values?: OptionValues): SimInvoked;
  messageCommand(user: Who, messageId: string, name: string): SimInvoked;
  userCommand(user: Who, target: Who, name: string): SimInvoked;
  /** Types into an option that completes itself; resolves with the choices. */
  autocomplete(user: Who, name: string, option: string, typed: OptionValues): Promise<readonly Wire[]>;
  press(user: Who, messageId: string, customId: string): SimInvoked;
  select(user: Who, messageId: string, customId: string, values: readonly string[]): SimInvoked;
  /** Sends the modal that an interaction was answered with. */
  submitModal(user: Who, interactionId: string, values: ModalValues): SimInvoked;
  startThread(user: Who, name: string, options?: { messageId?: string; isPrivate?: boolean }): SimChannel;
  /** Opens a post in a forum; returns its thread. */
  forumPost(user: Who, title: string, text: string): SimChannel;
  /** Archives or locks a thread, or undoes it. */
  setThread(change: { archived?: boolean; locked?: boolean }): void;
  /** Puts somebody, also the bot, into a thread. */
  invite(user: Who): void;
  setSlowMode(seconds: number): void;
  overwrite(overwrite: OverwriteOptions): void;
  /** Discord adds a link's preview to a message: an update that is no edit. */
  unfurl(messageId: string): void;
  /** Deletes the channel or thread. */
  remove(): void;
  /** Messages that everyone sees and that are not deleted, oldest first. */
  messages(): SimMessage[];
  /** All messages, deleted and ephemeral ones too, oldest first. */
  history(): SimMessage[];
  /** Messages that only this person sees. */
  ephemeral(user: Who): SimMessage[];
  /** Whether the bot shows as typing. */
  isTyping(): boolean;
}

export function channelHandle(simulation: Simulation, channel: ChannelState): SimChannel {
  const who = (user: Who): UserState => knownUser(simulation, user);
  const by = (user: Who): Invocation => ({ simulation, channel, user: who(user) });
  return {
    id: channel.id,
    name: channel.name,
    type: channel.type,
    guildId: channel.guild?.id,
    send: (user, text, options) => sendAs(simulation, channel, who(user), text, options).id,
    edit: (user, messageId, text) => editAs(simulation, channel, who(user), messageId, text),
    delete: (user, messageId) => deleteAs(simulation, channel, who(user), messageId),
    react: (user, messageId, emoji, isOn = true) =>
      reactAs(simulation, existing(channel, messageId), who(user), emoji, isOn),
    typing: (user) => typeAs(simulation, channel, who(user)),
    slash: (user, name, values = {}) => invokedHandle(simulation, slashAs(by(user), name, values)),
    messageCommand: (user, messageId, name) =>
      invokedHandle(simulation, messageCommandAs(by(user), existing(channel, messageId), name)),
    userCommand: (user, target, name) =>
      invokedHandle(simulation, userCommandAs(by(user), who(target), name)),
    async autocomplete(user, name, option, typed) {
      const answer = await autocompleteAs(by(user), name, option, typed).answer;
      return answer.kind === 'choices' ? answer.choices : [];
    },
    press: (user, messageId, customId) =>
      invokedHandle(simulation, pressAs(by(user), existing(channel, messageId), customId)),
    select: (user, messageId, customId, values) =>
      invokedHandle(simulation, pressAs(by(user), existing(channel, messageId), customId, values)),
    submitModal(user, interactionId, values) {
      const origin = simulation.interactions.byId(interactionId);
      if (origin === undefined) throw new Error(`There is no interaction ${interactionId}.`);
      return invokedHandle(simulation, submitModalAs(by(user), origin, values));
    },
    startThread: (user, name, options) =>
      channelHandle(simulation, startThreadAs(simulation, channel, who(user), name, options)),
    forumPost: (user, title, text) =>
      channelHandle(simulation, forumPostAs(simulation, channel, who(user), title, text)),
    setThread(change) {
      if (channel.thread === undefined) throw new Error(`Channel ${channel.id} is no thread.`);
      Object.assign(channel.thread, change, { archivedAtMs: simulation.now() });
      announceChannel(simulation, 'UPDATE', channel);
    },
    invite: (user) => inviteToThread(simulation, channel, who(user)),
    setSlowMode(seconds) {
      channel.slowModeSeconds = seconds;
      announceChannel(simulation, 'UPDATE', channel);
    },
    overwrite: (overwrite) => setOverwrite(simulation, channel, overwrite),
    unfurl: (messageId) => unfurl(simulation, existing(channel, messageId)),
    remove: () => deleteChannel(simulation, channel),
    messages: () => allMessages(channel).filter(({ isDeleted, isEphemeral }) => !isDeleted && !isEphemeral),
    history: () => allMessages(channel),
    ephemeral: ({ id }) =>
      [...channel.messages.values()]
        .filter(({ ephemeralTo, deleted }) => ephemeralTo === id && !deleted)
        .map(messageView),
    isTyping: () => simulation.now() < channel.typingUntilMs,
  };
}

/** The person with this id; throws when there is none. */
export function knownUser({ world }: Simulation, { id }: Who): UserState {
  const user = world.users.get(id);
  if (user === undefined) throw new Error(`There is no user ${id}.`);
  return user;
}

/** The channel, thread or conversation with this id; throws when there is none. */
export function knownChannel({ world }: Simulation, { id }: Pick<ChannelState, 'id'>): ChannelState {
  const channel = world.channels.get(id);
  if (channel === undefined) throw new Error(`There is no channel ${id}.`);
  return channel;
}

function allMessages(channel: ChannelState): SimMessage[] {
  return [...channel.messages.values()].map(messageView);
}

function invokedHandle(simulation: Simulation, { interaction, answer }: Invoked): SimInvoked {
  return { id: interaction.id, answer, view: () => interactionView(simulation, interaction) };
}
