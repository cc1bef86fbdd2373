import type { Logger } from 'pino';
import { createHttpAdapter } from './adapters/http/adapter.ts';
import { limited } from './adapters/http/rate-limit.ts';
import { refuseSignIn, signInRoute, type EndSignIn } from './adapters/http/sign-in.ts';
import type { Config } from './config.ts';
import { createMeter } from './limits/meter.ts';
import type { PlatformAdapter } from './platform/adapter.ts';
import type { Platform } from './platform/ids.ts';

export interface HttpParts {
  readonly config: Config;
  readonly log: Logger;
  /** What keeps the process from serving. */
  readonly notReady: () => Promise<readonly string[]>;
  readonly adapters: ReadonlyMap<Platform, PlatformAdapter>;
  /** Null until there is somebody to end sign-ins. */
  readonly endSignIn: () => EndSignIn | null;
}

/** From one address; a person needs one. */
const SIGN_INS_PER_MINUTE = 20;

/**
 * Served from the start on, so that whoever watches can tell waiting from dead. It is worth a warning,
 * not the chat: a port that is taken does not keep Parley from serving, but for webhooks.
 */
export async function startHttp(
  { config, log, notReady, adapters, endSignIn }: HttpParts,
  whenStopped: (close: () => Promise<unknown>) => void,
): Promise<void> {
  // Looked up when a request comes: the platforms are made later.
  const perAddress = { meter: createMeter(SIGN_INS_PER_MINUTE, Date.now), refuse: refuseSignIn };
  const routes = (path: string) => {
    const end = endSignIn();
    const signIn = end === null ? undefined : signInRoute(path, end);
    if (signIn !== undefined) return limited(signIn, perAddress);
    const hook = [...adapters.values()].find(({ webhook }) => webhook?.path === path)?.webhook;
    return hook && ((request: Request) => hook.handle(request));
  };
  const http = createHttpAdapter({ ...config.http, notReady, routes });
  whenStopped(() => http.stop());
  try {
    log.info({ port: await http.start() }, 'health checks are served');
  } catch (error) {
    // Without its port a bot by webhook hears nothing.
    if (config.telegram?.webhook) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log.warn(
      { reason, ...config.http },
      'nothing is served over HTTP, neither health checks nor the ends of sign-ins; set HTTP_PORT to a free port',
    );
  }
}
