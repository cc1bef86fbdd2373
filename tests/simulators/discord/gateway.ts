import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { serveConnection } from './connection.ts';
import { frameText, hasContentIntent, isFor, nextFrame } from './session.ts';
import type { GatewayEvent, Session } from './session.ts';
import type { Simulation } from './simulation.ts';
import type { Wire } from './world.ts';

/** A session as tests see it. */
export interface SessionView {
  readonly id: string;
  readonly shard: readonly [number, number];
  readonly intents: number;
  readonly sequence: number;
  readonly connected: boolean;
  /** How often it was resumed. */
  readonly resumes: number;
}

/** What can go wrong with the gateway, at a test's word. */
export interface GatewayControls {
  /** Sessions that can be resumed, oldest first. */
  sessions(): readonly SessionView[];
  /** Breaks every connection without a close frame (the client sees 1006); sessions stay. */
  drop(): void;
  /** Closes every connection with a code, such as 4000, 4004 or 4009; the sessions end with 4007 and 4009. */
  close(code: number): void;
  /** Asks every client to reconnect and resume (op 7). */
  reconnect(): void;
  /** Tells every client that its session is invalid (op 9). Unless it is resumable, it is gone. */
  invalidate(resumable: boolean): void;
  /** Answers no frame and sends none on the present connections, which stay open. */
  zombie(): void;
  /** Sends the last `count` events of every session again, with new sequence numbers. */
  replay(count: number): void;
  /** Delays every frame by so many milliseconds from now on; 0 ends it. */
  delay(ms: number): void;
  /** Refuses the next connections with HTTP 503. */
  refuse(times: number): void;
  /** Sends an event as given, valid or not, to every session of its guild's shard. */
  emit(name: string, payload: Wire, guildId?: string): void;
}

export interface Gateway extends GatewayControls {
  dispatch(event: GatewayEvent): void;
  /** One frame to one session, under the present delay. */
  send(session: Session, name: string, data: Wire): void;
  transmit(session: Session, text: string): void;
  open(session: Session): void;
  find(sessionId: string): Session | undefined;
  end(session: Session): void;
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every connection and forgets every session. */
  stop(): void;
}

export function createGateway(simulation: () => Simulation): Gateway {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const sockets = new Set<WebSocket>();
  const timers = new Set<NodeJS.Timeout>();
  let sessions: Session[] = [];
  let delayMs = 0;
  let refusals = 0;
  // What is sent is what is true now; later changes must not reach it.
  const push = (session: Session, name: string, data: Wire): void =>
    gateway.transmit(session, frameText(nextFrame(session, name, structuredClone(data))));
  const connected = (): Session[] => sessions.filter(({ socket }) => socket !== undefined);
  const gateway: Gateway = {
    sessions: () => sessions.map(sessionView),
    drop: () => sockets.forEach((socket) => socket.terminate()),
    close(code) {
      if (code === 4007 || code === 4009) sessions = sessions.filter(({ socket }) => socket === undefined);
      sockets.forEach((socket) => socket.close(code));
    },
    reconnect: () =>
      connected().forEach((session) => gateway.transmit(session, JSON.stringify({ op: 7, d: null }))),
    invalidate(resumable) {
      for (const session of connected()) {
        session.socket?.send(JSON.stringify({ op: 9, d: resumable }));
        // The connection stays, for an identify or a resume. An event right behind would bring the session back to life in a client.
        session.socket = undefined;
        if (!resumable) gateway.end(session);
      }
    },
    zombie: () => connected().forEach((session) => (session.isZombie = true)),
    replay(count) {
      for (const session of connected()) {
        for (const { name, data } of session.frames.slice(-count)) push(session, name, data);
      }
    },
    delay(ms) {
      delayMs = ms;
    },
    refuse(times) {
      refusals = times;
    },
    emit(name, payload, guildId) {
      const event = { name, guildId, intent: 0, payload: () => payload };
      for (const session of sessions.filter((candidate) => isFor(candidate, event)))
        push(session, name, payload);
    },
    dispatch(event) {
      for (const session of sessions.filter((candidate) => isFor(candidate, event))) {
        gateway.send(session, event.name, event.payload(hasContentIntent(session)));
      }
    },
    send(session, name, data) {
      simulation().inspect(name, data);
      push(session, name, data);
    },
    transmit(session, text) {
      const { socket } = session;
      const write = (): void => {
        if (socket !== undefined && socket === session.socket && !session.isZombie) socket.send(text);
      };
      if (delayMs === 0) return write();
      const timer = setTimeout(() => {
        timers.delete(timer);
        write();
      }, delayMs).unref();
      timers.add(timer);
    },
    open: (session) => sessions.push(session),
    find: (sessionId) => sessions.find(({ id }) => id === sessionId),
    end(session) {
      sessions = sessions.filter((candidate) => candidate !== session);
    },
    accept(request, duplex, head) {
      if (refusals > 0) {
        refusals -= 1;
        duplex.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
        return;
      }
      server.handleUpgrade(request, duplex, head, (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        serveConnection(simulation(), socket, request);
      });
    },
    stop() {
      timers.forEach((timer) => clearTimeout(timer));
      sessions = [];
      sockets.forEach((socket) => socket.terminate());
      server.close();
    },
  };
  return gateway;
}

function sessionView({ id, shard, intents, sequence, socket, resumes }: Session): SessionView {
  return { id, shard, intents, sequence, connected: socket !== undefined, resumes };
}
