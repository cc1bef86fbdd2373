import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerControl } from './control.ts';
import { answerMethod, respond, runWebhookReply } from './endpoint.ts';
import { chatHandle, knownChat, knownUser, screenOf, subscriptionsHandle, userHandle } from './handles.ts';
import type { SimChat } from './handles.ts';
import { setBlocked } from './membership.ts';
import { createSimulation } from './simulation.ts';
import type { Simulation, TelegramSimulatorOptions } from './simulation.ts';
import type { GroupOptions, TelegramSimulator } from './simulator.ts';

export type { TelegramSimulator } from './simulator.ts';
export type { TelegramCall, TelegramSimulatorOptions } from './simulation.ts';

/** Starts a Bot API simulator on 127.0.0.1. Rejects when the port is taken. */
export async function startTelegramSimulator(
  options: TelegramSimulatorOptions = {},
): Promise<TelegramSimulator> {
  const simulation = createSimulation(options);
  simulation.webhook.onReply((reply) => runWebhookReply(simulation, reply));
  const server = createServer((request, response) => {
    route(simulator, simulation, request, response).catch((error: unknown) => {
      respond(response, 500, { error: String(error) });
    });
  });
  // A client that reuses an idle connection must not meet the server closing it.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(simulation.options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    simulation.webhook.set(undefined);
    simulation.callbacks.clear();
    simulation.checkouts.clear();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  const simulator = createSimulator(simulation, `http://127.0.0.1:${port}`, stop);
  return simulator;
}

function createSimulator(simulation: Simulation, url: string, stop: () => Promise<void>): TelegramSimulator {
  const { world } = simulation;
  return {
    url,
    token: simulation.options.token,
    bot: world.bot,
    calls: simulation.calls,
    violations: simulation.violations,
    user: (profile = {}) => userHandle(simulation, world.addUser(profile)),
    group: (options = {}) => createGroup(simulation, options),
    chat: (chat) => chatHandle(simulation, knownChat(simulation, chat)),
    privateChat: (user) => userHandle(simulation, knownUser(simulation, user)).privateChat(),
    fault: (method, fault, options) => simulation.faults.add(method, fault, options),
    pay: (user, reference) => userHandle(simulation, knownUser(simulation, user)).pay(reference),
    subscriptions: subscriptionsHandle(simulation),
    block: (user) => setBlocked(simulation, knownUser(simulation, user), true),
    unblock: (user) => setBlocked(simulation, knownUser(simulation, user), false),
    pushUpdate: (update) => simulation.updates.pushRaw(update),
    visible: (chat) => screenOf(simulation, knownChat(simulation, chat)),
    ghosts: () => simulation.drafts.ghosts(),
    unconfirmed: () => simulation.updates.pending(),
    expireUpdates: () => simulation.updates.forgetAll(),
    reset: () => simulation.reset(),
    stop,
  };
}

function createGroup(simulation: Simulation, options: GroupOptions): SimChat {
  const { title = 'Group', members = [], admins = [], type = 'supergroup', botIsAdmin = false } = options;
  const isForum = options.forum ?? false;
  if (isForum && type === 'group') throw new Error('Only a supergroup can be a forum.');
  const chat = simulation.world.addChat({ type, title, isForum });
  for (const { id } of members) chat.members.set(id, 'member');
  for (const [index, { id }] of admins.entries()) {
    chat.members.set(id, index === 0 ? 'creator' : 'administrator');
  }
  chat.members.set(simulation.world.bot.id, botIsAdmin ? 'administrator' : 'member');
  return chatHandle(simulation, chat);
}

async function route(
  simulator: TelegramSimulator,
  simulation: Simulation,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://simulator');
  if (url.pathname.startsWith('/__simulator/')) {
    await answerControl(simulator, url, request, response);
  } else if (url.pathname.startsWith('/file/bot')) {
    sendFile(simulation, url, response);
  } else {
    await answerMethod(simulation, url, request, response);
  }
}

/** Serves `/file/bot<token>/<file_path>`. */
function sendFile(simulation: Simulation, url: URL, response: ServerResponse): void {
  const [, token, path] = /^\/file\/bot([^/]*)\/(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  const file = token === simulation.options.token ? simulation.files.byPath(path ?? '') : undefined;
  if (file === undefined) {
    respond(response, 404, { ok: false, error_code: 404, description: 'Not Found' });
    return;
  }
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': file.content.length,
  });
  response.end(file.content);
}
