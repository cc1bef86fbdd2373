import { serve, type ServerType } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { Hono } from 'hono';
import { askerOf } from './asker.ts';

export interface HttpOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** What keeps the process from serving, or an empty list. */
  readonly notReady: () => Promise<readonly string[]>;
  /** Who answers at a path; looked up at each request, because platforms come and go after the start. */
  readonly routes?: (path: string) => Route | undefined;
}

/** Must not reject. `address` is that of whoever asks. */
export type Route = (request: Request, address: string) => Promise<Response>;

export interface HttpAdapter {
  /** Resolves with the port. Rejects when it can't be had (EADDRINUSE, EACCES). */
  start(): Promise<number>;
  stop(): Promise<void>;
}

/** Health for the outside, `/healthz` while the process lives and `/readyz` while it can serve, and what others answer. */
export function createHttpAdapter(options: HttpOptions): HttpAdapter {
  const app = new Hono();
  app.get('/healthz', (context) => context.json({ status: 'ok' }));
  app.get('/readyz', async (context) => {
    const missing = await options.notReady();
    return missing.length === 0
      ? context.json({ status: 'ready' })
      : context.json({ status: 'not ready', missing }, 503);
  });
  app.all('*', async (context) => {
    const route = options.routes?.(context.req.path);
    if (route === undefined) return context.notFound();
    const connected = getConnInfo(context).remote.address ?? '';
    return await route(context.req.raw, askerOf(connected, context.req.header('x-forwarded-for') ?? null));
  });
  let server: ServerType | null = null;
  return {
    start() {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      server = serve({ fetch: app.fetch, hostname: options.host, port: options.port }, ({ port }) =>
        resolve(port),
      );
      server.once('error', reject);
      return promise;
    },
    async stop() {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (server === null || !server.listening) return;
      server.close(() => resolve());
      const closing = server;
      if (!('closeAllConnections' in closing)) return await promise;
      closing.closeIdleConnections();
      // Answers on their way go out first.
      const timer = setTimeout(() => closing.closeAllConnections(), LAST_ANSWERS_MS);
      await promise;
      clearTimeout(timer);
    },
  };
}

const LAST_ANSWERS_MS = 1000;
