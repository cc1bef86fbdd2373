import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { intents } from './intents.ts';
import { shardOf } from './snowflake.ts';
import type { Wire } from './world.ts';

/** Something the bot is told, if a session asked for it. */
export interface GatewayEvent {
  readonly name: string;
  /** Decides the shard; `undefined` for what does not belong to a guild. */
  readonly guildId: string | undefined;
  /** The intent it needs; 0 for what every session is told. */
  readonly intent: number;
  readonly payload: (hasContentIntent: boolean) => Wire;
}

/** One frame of a session, kept for replay. */
interface Frame {
  readonly sequence: number;
  readonly name: string;
  readonly data: Wire;
}

/** A session of the gateway. It outlives its connection, so that it can be resumed. */
export interface Session {
  readonly id: string;
  readonly shard: readonly [number, number];
  readonly intents: number;
  readonly frames: Frame[];
  sequence: number;
  socket: WebSocket | undefined;
  resumes: number;
  /** A client that reacts to nothing: its connection is open, but no frame is answered or sent. */
  isZombie: boolean;
}

/** How many frames a session keeps for replay. */
const mostFrames = 5000;

export function createSession(shard: readonly [number, number], asked: number, socket: WebSocket): Session {
  return {
    id: randomBytes(16).toString('hex'),
    shard,
    intents: asked,
    frames: [],
    sequence: 0,
    socket,
    resumes: 0,
    isZombie: false,
  };
}

/** Whether an event is meant for a session: its shard, and what it asked for. */
export function isFor(session: Session, event: GatewayEvent): boolean {
  const [index, count] = session.shard;
  if (shardOf(event.guildId, count) !== index) return false;
  return event.intent === 0 || (session.intents & event.intent) !== 0;
}

/** The next frame of a session; it is kept for replay. */
export function nextFrame(session: Session, name: string, data: Wire): Frame {
  session.sequence += 1;
  const frame = { sequence: session.sequence, name, data };
  session.frames.push(frame);
  if (session.frames.length > mostFrames) session.frames.shift();
  return frame;
}

export function frameText({ sequence, name, data }: Frame): string {
  return JSON.stringify({ op: 0, s: sequence, t: name, d: data });
}

export function hasContentIntent(session: Session): boolean {
  return (session.intents & intents.messageContent) !== 0;
}
