import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnswerScenario } from './scenario.ts';

/** Writes server-sent events with the framing that a scenario asks for. Every method resolves once the bytes are on their way or the client is gone. */
export interface EventWriter {
  /** One event: an object is sent as JSON, a string as it is. */
  event(value: object | string): Promise<void>;
  /** The keep-alive comment that OpenRouter sends while a provider is silent. */
  comment(): Promise<void>;
  /** Sends what waits for more events to share its packet. */
  flush(): Promise<void>;
}

export function createEventWriter(
  response: ServerResponse,
  framing: AnswerScenario['framing'] = {},
  signal: AbortSignal,
): EventWriter {
  const { splitBytes, eventsPerPacket = 1, crlf = false, noBlankAfterData = false } = framing;
  const newline = crlf ? '\r\n' : '\n';
  const prefix = noBlankAfterData ? 'data:' : 'data: ';
  let waiting = framing.byteOrderMark === true ? '\uFEFF' : '';
  let waitingEvents = 0;
  const flush = async () => {
    const bytes = Buffer.from(waiting);
    waiting = '';
    waitingEvents = 0;
    const size = splitBytes ?? bytes.length;
    for (let start = 0; start < bytes.length && !signal.aborted; start += size) {
      const accepted = response.write(bytes.subarray(start, start + size));
      if (splitBytes !== undefined) await nextTurn();
      if (!accepted) await drained(response, signal);
    }
  };
  const add = async (text: string) => {
    waiting += text;
    waitingEvents += 1;
    if (waitingEvents >= eventsPerPacket) await flush();
  };
  return {
    event: (value) =>
      add(`${prefix}${typeof value === 'string' ? value : JSON.stringify(value)}${newline}${newline}`),
    comment: () => add(`: OPENROUTER PROCESSING${newline}${newline}`),
    flush,
  };
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
