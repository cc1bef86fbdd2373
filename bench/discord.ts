import { connectDiscordSimulator, type RemoteDiscordSimulator } from '../tests/simulators/discord/remote.ts';
import type { DiscordCall } from '../tests/simulators/discord/simulation.ts';
import type { PlatformCall, PlatformSide, Seat } from './platform.ts';

export const DISCORD_TOKEN = 'MTEwMDAwMDAwMDAwMDAwMDAwMQ.simulated.token-of-the-simulated-bot';

/** Speaks to the Discord simulator at `url`. */
export function connectDiscord(url: string): PlatformSide {
  const simulator = connectDiscordSimulator(url);
  return {
    environment: { DISCORD_TOKEN, DISCORD_API_URL: url },
    seats: (count) => Promise.all(Array.from({ length: count }, () => takeSeat(simulator))),
    async calls() {
      const calls = await simulator.calls();
      return calls.filter(({ channelId }) => channelId !== undefined).map(platformCall);
    },
  };
}

async function takeSeat(simulator: RemoteDiscordSimulator): Promise<Seat> {
  const user = await simulator.user();
  const channel = await simulator.dm(user);
  return {
    place: channel.id,
    async ask(text) {
      await channel.send(user, text);
    },
    async said() {
      const messages = await channel.messages();
      return messages.map(({ content, author, atMs }) => ({ text: content, isByBot: author.isBot, atMs }));
    },
  };
}

const kinds: Readonly<Record<string, PlatformCall['kind']>> = {
  'POST /channels/{channel_id}/messages': 'create',
  'PATCH /channels/{channel_id}/messages/{message_id}': 'edit',
  'POST /channels/{channel_id}/typing': 'typing',
};

function platformCall({ route, channelId = '', body, atMs, ok, limited }: DiscordCall): PlatformCall {
  const { content } = body;
  return {
    kind: kinds[route] ?? 'other',
    place: channelId,
    text: typeof content === 'string' ? content : '',
    atMs,
    isOk: ok,
    isLimited: limited !== undefined,
  };
}
