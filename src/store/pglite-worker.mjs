// The embedded PostgreSQL, alone in its thread. The other side sends the bytes of the PostgreSQL wire
// protocol ({ bytes }), the end of a connection ({ hangUp }) or of the database ({ close }); it gets
// bytes back, { hungUp } and { closed }. One connection at a time.
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';

const TERMINATE = 0x58;

const database = await PGlite.create({
  ...(workerData.dataDir === null ? {} : { dataDir: workerData.dataDir }),
  startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
});

let pending = Buffer.alloc(0);
let started = false;
let work = Promise.resolve();

parentPort.on('message', (message) => {
  work = work.then(() => handle(message)).catch(fail);
});
parentPort.postMessage({ ready: true });

async function handle(message) {
  if (message.bytes) await receive(Buffer.from(message.bytes));
  else if (message.hangUp) await hangUp();
  else if (message.close) {
    await database.close();
    parentPort.postMessage({ closed: true });
    parentPort.close();
  }
}

/** Cuts the stream into whole protocol messages: only the first of a connection has no type byte. */
async function receive(bytes) {
  pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
  for (;;) {
    const header = started ? 1 : 0;
    if (pending.length < header + 4) return;
    const length = header + pending.readInt32BE(header);
    if (pending.length < length) return;
    const message = new Uint8Array(pending.subarray(0, length));
    pending = pending.subarray(length);
    if (started && message[0] === TERMINATE) {
      await hangUp();
      parentPort.postMessage({ hungUp: true });
      continue;
    }
    started = true;
    await database.execProtocolRawStream(message, {
      onRawData: (data) => {
        const copy = data.slice();
        parentPort.postMessage({ bytes: copy }, [copy.buffer]);
      },
    });
  }
}

/** What a server does when its client is gone. */
async function hangUp() {
  pending = Buffer.alloc(0);
  started = false;
  if (database.isInTransaction()) await database.exec('ROLLBACK');
}

/** A failure of the database itself, not of a statement: nothing can be trusted after it. */
function fail(error) {
  setImmediate(() => {
    throw error;
  });
}
