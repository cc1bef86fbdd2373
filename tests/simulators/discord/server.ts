import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { channelHandle, knownChannel, knownUser } from './channel-handle.ts';
import { answerControl } from './control.ts';
import { answerApi, respond } from './endpoint.ts';
import { createGuild } from './guilds.ts';
import { guildHandle, knownGuild, userHandle } from './handles.ts';
import { signature } from './message-object.ts';
import { shopControls } from './shop.ts';
import { createSimulation } from './simulation.ts';
import type { DiscordSimulatorOptions, Simulation } from './simulation.ts';
import type { DiscordSimulator } from './simulator.ts';
import { interactionView } from './views.ts';

export type { DiscordSimulator } from './simulator.ts';
export type { DiscordSimulatorOptions } from './simulation.ts';

/** Starts a Discord simulator on 127.0.0.1: REST, gateway and attachments. Rejects when the port is taken. */
export async function startDiscordSimulator(
  options: DiscordSimulatorOptions = {},
): Promise<DiscordSimulator> {
  const simulation = createSimulation(options);
  const server = createServer((request, response) => {
    route(simulator, simulation, request, response).catch((error: unknown) => {
      respond(response, 500, { error: String(error) });
    });
  });
  server.on('upgrade', (request, socket, head) => simulation.gateway.accept(request, socket, head));
  // A client that reuses an idle connection must not meet the server closing it.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(simulation.options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  simulation.fileRoot = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    simulation.gateway.stop();
    simulation.interactions.clear();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  const simulator = createSimulator(simulation, stop);
  return simulator;
}

function createSimulator(simulation: Simulation, stop: () => Promise<void>): DiscordSimulator {
  const { options, world } = simulation;
  return {
    url: `${simulation.fileRoot}/api`,
    token: options.token,
    applicationId: options.applicationId,
    bot: world.bot,
    calls: simulation.calls,
    pings: simulation.pings,
    violations: simulation.violations,
    gateway: simulation.gateway,
    shop: shopControls(simulation),
    user: (profile = {}) => userHandle(simulation, world.addUser(profile)),
    guild: (guild = {}) => guildHandle(simulation, createGuild(simulation, guild)),
    channel: (channel) => channelHandle(simulation, knownChannel(simulation, channel)),
    knownGuild: (guild) => guildHandle(simulation, knownGuild(simulation, guild)),
    knownUser: (user) => userHandle(simulation, knownUser(simulation, user)),
    interaction(id) {
      const interaction = simulation.interactions.byId(id);
      if (interaction === undefined) throw new Error(`There is no interaction ${id}.`);
      return interactionView(simulation, interaction);
    },
    commands: (guildId = 'global') => simulation.commands.of(guildId),
    fault: (name, fault, faultOptions) => simulation.faults.add(name, fault, faultOptions),
    invalidRequests: () => simulation.invalidRequests.recent(),
    revokeToken: () => simulation.revokeToken(),
    reset: () => simulation.reset(),
    stop,
  };
}

async function route(
  simulator: DiscordSimulator,
  simulation: Simulation,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://simulator');
  if (url.pathname.startsWith('/__simulator/')) {
    await answerControl(simulator, url, request, response);
  } else if (url.pathname.startsWith('/attachments/')) {
    sendAttachment(simulation, url, response);
  } else {
    await answerApi(simulation, url, request, response);
  }
}

/** Serves a signed attachment address until it expires. */
function sendAttachment({ world, now }: Simulation, url: URL, response: ServerResponse): void {
  const [, channelId = '', fileId] = /^\/attachments\/(\d+)\/(\d+)\//.exec(url.pathname) ?? [];
  const messages = [...(world.channels.get(channelId)?.messages.values() ?? [])];
  const file = messages.flatMap(({ attachments }) => attachments).find(({ id }) => id === fileId);
  const expires = url.searchParams.get('ex') ?? '0';
  const isSigned = url.searchParams.get('hm') === signature(url.pathname, expires);
  if (file === undefined || !isSigned || Number.parseInt(expires, 16) * 1000 < now()) {
    response.writeHead(404, { 'content-type': 'text/plain' });
    response.end('This content is no longer available.');
    return;
  }
  response.writeHead(200, { 'content-type': file.contentType, 'content-length': file.content.length });
  response.end(file.content);
}
