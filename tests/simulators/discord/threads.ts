import type { MessageContent } from './content.ts';
import { messageFlags } from './content.ts';
import { announceChannel, announceMessage } from './events.ts';
import { post, referenceTo } from './messages.ts';
import type { Simulation } from './simulation.ts';
import { channelTypes } from './world.ts';
import type { ChannelState, StoredMessage, UserState } from './world.ts';

/** How a thread is opened; what is left out is as Discord has it by default. */
export interface ThreadPlan {
  readonly name: string;
  readonly owner: UserState;
  /** The message it is started from; thread and message share their id. */
  readonly starter?: StoredMessage;
  readonly isPrivate?: boolean;
  readonly autoArchiveMinutes?: number;
  readonly slowModeSeconds?: number;
  readonly appliedTags?: readonly string[];
}

const nothingSaid: MessageContent = { content: '', embeds: [], components: [], attachments: [], flags: 0 };

/** Opens a thread in a channel and tells the bot, which in a private one must be a member. */
export function openThread(simulation: Simulation, parent: ChannelState, plan: ThreadPlan): ChannelState {
  const { world, now } = simulation;
  const { starter, owner } = plan;
  const thread = world.addChannel({
    ...(starter === undefined ? {} : { id: starter.id }),
    type: threadType(parent, plan.isPrivate ?? false),
    name: plan.name,
    guild: parent.guild,
    parent,
    slowModeSeconds: plan.slowModeSeconds ?? 0,
    thread: {
      ownerId: owner.id,
      isPrivate: plan.isPrivate ?? false,
      createdAtMs: now(),
      archived: false,
      archivedAtMs: now(),
      locked: false,
      autoArchiveMinutes: plan.autoArchiveMinutes ?? 4320,
      members: new Map([[owner.id, now()]]),
      appliedTags: plan.appliedTags ?? [],
      messagesEver: 0,
    },
  });
  announceChannel(simulation, 'CREATE', thread);
  if (starter !== undefined) startFrom(simulation, thread, starter);
  return thread;
}

/** The message shows its thread from now on, and the thread begins with a message that points to it. */
function startFrom(simulation: Simulation, thread: ChannelState, starter: StoredMessage): void {
  starter.thread = thread;
  starter.flags |= messageFlags.hasThread;
  announceMessage(simulation, 'MESSAGE_UPDATE', starter);
  post(simulation, thread, starter.author, nothingSaid, {
    type: 21,
    reference: referenceTo(starter.channel, starter.id, 0),
  });
}

function threadType(parent: ChannelState, isPrivate: boolean): number {
  if (isPrivate) return channelTypes.privateThread;
  return parent.type === channelTypes.announcement
    ? channelTypes.announcementThread
    : channelTypes.publicThread;
}

export function isForum({ type }: ChannelState): boolean {
  return type === channelTypes.forum || type === channelTypes.media;
}
