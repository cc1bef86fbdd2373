import type { Update } from '@grammyjs/types';
import type { CallbackAnswer } from './queries.ts';
import type { ControlBody } from './control.ts';
import type { SimDraft } from './drafts.ts';
import type { Fault, FaultOptions } from './faults.ts';
import type { SimMessage, SimScreen } from './handles.ts';
import type { CheckoutAnswer } from './payments.ts';
import type { SendOptions } from './people.ts';
import type { TelegramCall } from './simulation.ts';
import type { GroupOptions } from './simulator.ts';
import type { SimUser } from './world.ts';

type Who = Pick<SimUser, 'id'>;

/** A chat of a simulator in another process. Every method rejects with the simulator's own error text. */
interface RemoteChat {
  readonly id: number;
  send(user: Who, text: string, options?: SendOptions): Promise<number>;
  edit(user: Who, messageId: number, text: string): Promise<void>;
  delete(messageId: number): Promise<void>;
  press(user: Who, messageId: number, callbackData: string): Promise<CallbackAnswer>;
  join(user: Who): Promise<void>;
  leave(user: Who): Promise<void>;
  promote(user: Who, isAdmin?: boolean): Promise<void>;
  createTopic(user: Who, name: string): Promise<number>;
  migrate(): Promise<RemoteChat>;
  messages(): Promise<SimMessage[]>;
  visible(): Promise<SimScreen>;
  drafts(): Promise<SimDraft[]>;
  stopDraft(): Promise<void>;
}

/** The controls of a simulator in another process. */
export interface RemoteTelegramSimulator {
  readonly url: string;
  user(profile?: Partial<SimUser>): Promise<SimUser>;
  group(options?: GroupOptions): Promise<RemoteChat>;
  privateChat(user: Who): Promise<RemoteChat>;
  fault(method: string, fault: Fault, options?: FaultOptions): Promise<void>;
  pay(user: Who, reference: string): Promise<CheckoutAnswer>;
  block(user: Who): Promise<void>;
  unblock(user: Who): Promise<void>;
  pushUpdate(update: object): Promise<number>;
  calls(): Promise<TelegramCall[]>;
  violations(): Promise<string[]>;
  ghosts(): Promise<SimDraft[]>;
  unconfirmed(): Promise<Update[]>;
  reset(): Promise<void>;
}

type Ask = <Result>(control: string, body?: Partial<ControlBody>) => Promise<Result>;

/** Speaks to the simulator at `url` (as `TelegramSimulator.url`). Nothing is sent before the first method is called. */
export function connectTelegramSimulator(url: string): RemoteTelegramSimulator {
  const ask: Ask = async <Result>(control: string, body: Partial<ControlBody> = {}) => {
    const response = await fetch(`${url}/__simulator/${control}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { result: Result } | { error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  };
  return {
    url,
    user: (profile = {}) => ask('user', { profile }),
    group: async (group = {}) => remoteChat(ask, (await ask<Who>('group', { group })).id),
    privateChat: async ({ id }) => remoteChat(ask, (await ask<Who>('privateChat', { userId: id })).id),
    fault: (method, fault, { times = 1, chatId } = {}) =>
      ask('fault', {
        method,
        fault,
        times: Number.isFinite(times) ? times : null,
        ...(chatId === undefined ? {} : { chatId }),
      }),
    pay: ({ id }, reference) => ask('pay', { userId: id, reference }),
    block: ({ id }) => ask('block', { userId: id }),
    unblock: ({ id }) => ask('unblock', { userId: id }),
    pushUpdate: (update) => ask('pushUpdate', { update }),
    calls: () => ask('calls'),
    violations: () => ask('violations'),
    ghosts: () => ask('ghosts'),
    unconfirmed: () => ask('unconfirmed'),
    reset: () => ask('reset'),
  };
}

function remoteChat(ask: Ask, chatId: number): RemoteChat {
  return {
    id: chatId,
    send: (user, text, options = {}) => ask('send', { chatId, userId: user.id, text, ...sendBody(options) }),
    edit: (user, messageId, text) => ask('edit', { chatId, userId: user.id, messageId, text }),
    delete: (messageId) => ask('delete', { chatId, messageId }),
    press: (user, messageId, callbackData) =>
      ask('press', { chatId, userId: user.id, messageId, callbackData }),
    join: (user) => ask('join', { chatId, userId: user.id }),
    leave: (user) => ask('leave', { chatId, userId: user.id }),
    promote: (user, isAdmin = true) => ask('promote', { chatId, userId: user.id, isAdmin }),
    createTopic: (user, name) => ask('createTopic', { chatId, userId: user.id, name }),
    migrate: async () => remoteChat(ask, (await ask<Who>('migrate', { chatId })).id),
    messages: () => ask('messages', { chatId }),
    visible: () => ask('visible', { chatId }),
    drafts: () => ask('drafts', { chatId }),
    stopDraft: () => ask('stopDraft', { chatId }),
  };
}

function sendBody({ attachment, ...options }: SendOptions): Partial<ControlBody> {
  if (attachment === undefined) return { options };
  const { content, ...rest } = attachment;
  return { options, attachment: { ...rest, base64: Buffer.from(content).toString('base64') } };
}
