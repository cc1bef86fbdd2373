import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';

export interface HttpOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** What keeps the process from serving, or an empty list. */
  readonly notReady: () => Promise<readonly string[]>;
}

export interface HttpAdapter {
  /** Resolves with the port. Rejects when it can't be had (EADDRINUSE, EACCES). */
  start(): Promise<number>;
  stop(): Promise<void>;
}

/** Health for the outside: `/healthz` while the process lives, `/readyz` while it can serve. */
export function createHttpAdapter(options: HttpOptions): HttpAdapter {
  const app = new Hono();
  app.get('/healthz', (context) => context.json({ status: 'ok' }));
  app.get('/readyz', async (context) => {
    const missing = await options.notReady();
    return missing.length === 0
      ? context.json({ status: 'ready' })
      : context.json({ status: 'not ready', missing }, 503);
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
      if ('closeAllConnections' in server) server.closeAllConnections();
      await promise;
    },
  };
}
