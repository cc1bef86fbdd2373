import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody, respond } from './endpoint.ts';
import type { Fault } from './faults.ts';
import type { SendOptions } from './people.ts';
import type { GroupOptions, TelegramSimulator } from './simulator.ts';
import type { SimUser } from './world.ts';

/** What any control may carry; each reads the fields it needs. */
export interface ControlBody {
  chatId: number;
  userId: number;
  messageId: number;
  text: string;
  name: string;
  callbackData: string;
  profile: Partial<SimUser>;
  group: GroupOptions;
  options: Omit<SendOptions, 'attachment'>;
  /** An attachment with its content in base64. */
  attachment: { kind: 'document' | 'photo' | 'voice'; name: string; mimeType: string; base64: string };
  change: { from?: string; to?: string };
  isAdmin: boolean;
  reference: string;
  chargeId: string;
  isCanceled: boolean;
  method: string;
  fault: Fault;
  /** `null` stands for all calls. */
  times: number | null;
  update: object;
}

type Control = (simulator: TelegramSimulator, body: ControlBody) => unknown;

const inChat = (simulator: TelegramSimulator, { chatId }: ControlBody) => simulator.chat({ id: chatId });
const person = ({ userId }: ControlBody) => ({ id: userId });

/** The controls of another process: the simulator's own methods, with ids in place of handles. */
const controls: Readonly<Record<string, Control>> = {
  user: (simulator, { profile }) => simulator.user(profile),
  group: (simulator, { group }) => ({ id: simulator.group(group).id }),
  privateChat: (simulator, { userId }) => ({ id: simulator.privateChat({ id: userId }).id }),
  send: (simulator, body) => inChat(simulator, body).send(person(body), body.text, sendOptions(body)),
  edit: (simulator, body) => inChat(simulator, body).edit(person(body), body.messageId, body.text),
  delete: (simulator, body) => inChat(simulator, body).delete(body.messageId),
  press: (simulator, body) => inChat(simulator, body).press(person(body), body.messageId, body.callbackData),
  react: (simulator, body) => inChat(simulator, body).react(person(body), body.messageId, body.change),
  join: (simulator, body) => inChat(simulator, body).join(person(body)),
  leave: (simulator, body) => inChat(simulator, body).leave(person(body)),
  promote: (simulator, body) => inChat(simulator, body).promote(person(body), body.isAdmin),
  addBot: (simulator, body) => inChat(simulator, body).addBot(person(body)),
  removeBot: (simulator, body) => inChat(simulator, body).removeBot(person(body)),
  createTopic: (simulator, body) => inChat(simulator, body).createTopic(person(body), body.name),
  migrate: (simulator, body) => ({ id: inChat(simulator, body).migrate().id }),
  stopDraft: (simulator, body) => inChat(simulator, body).stopDraft(),
  pay: (simulator, { userId, reference }) => simulator.pay({ id: userId }, reference),
  renew: (simulator, { chargeId }) => simulator.subscriptions.renew(chargeId),
  failRenewal: (simulator, { chargeId }) => simulator.subscriptions.failRenewal(chargeId),
  setCanceled: (simulator, { chargeId, isCanceled }) =>
    simulator.subscriptions.setCanceled(chargeId, isCanceled),
  charges: (simulator) => simulator.subscriptions.charges(),
  block: (simulator, body) => simulator.block(person(body)),
  unblock: (simulator, body) => simulator.unblock(person(body)),
  fault: (simulator, { method, fault, times, chatId }) =>
    simulator.fault(method, fault, {
      ...(times === undefined ? {} : { times: times ?? Infinity }),
      ...(chatId === undefined ? {} : { chatId }),
    }),
  pushUpdate: (simulator, { update }) => simulator.pushUpdate(update),
  expireUpdates: (simulator) => simulator.expireUpdates(),
  reset: (simulator) => simulator.reset(),
  calls: (simulator) => simulator.calls,
  violations: (simulator) => simulator.violations,
  messages: (simulator, body) => inChat(simulator, body).messages(),
  history: (simulator, body) => inChat(simulator, body).history(),
  visible: (simulator, { chatId }) => simulator.visible({ id: chatId }),
  drafts: (simulator, body) => inChat(simulator, body).drafts(),
  ghosts: (simulator) => simulator.ghosts(),
  unconfirmed: (simulator) => simulator.unconfirmed(),
};

/** Answers `/__simulator/<control>`: GET with ids in the query, POST with a JSON body. The result is `{result}` or `{error}`. */
export async function answerControl(
  simulator: TelegramSimulator,
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
    const text = (await readBody(request)).toString('utf8');
    const query = [...url.searchParams].map(([name, value]) => [name, Number(value)] as const);
    const body: unknown = text === '' ? Object.fromEntries(query) : JSON.parse(text);
    respond(response, 200, { result: (await control(simulator, body as ControlBody)) ?? null });
  } catch (error) {
    respond(response, 400, { error: error instanceof Error ? error.message : String(error) });
  }
}

function sendOptions({ options, attachment }: ControlBody): SendOptions {
  if (attachment === undefined) return options ?? {};
  const { base64, ...rest } = attachment;
  return { ...options, attachment: { ...rest, content: Buffer.from(base64, 'base64') } };
}
