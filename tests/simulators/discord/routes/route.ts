import type { BucketName } from '../buckets.ts';
import type { UploadedFile } from '../content.ts';
import type { Simulation } from '../simulation.ts';

/** What a route may use of the request. Path parameters go by their names in the API's description. */
export interface RouteRequest<Body> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly files: readonly UploadedFile[];
}

export interface RouteAnswer {
  readonly status: number;
  readonly body?: unknown;
}

/**
 * One route of the API. Its body was checked against the API's description before; it returns the answer or throws a `DiscordRefusal`.
 */
export type Handler<Body = unknown> = (simulation: Simulation, request: RouteRequest<Body>) => RouteAnswer;

export interface Route {
  readonly handle: Handler<never>;
  /** `none` for a route whose answers tell of no bucket. */
  readonly bucket: BucketName | 'none';
}

export function answered(body: unknown, status = 200): RouteAnswer {
  return { status, body };
}

export const nothing: RouteAnswer = { status: 204 };

/** A path parameter; every route's template names those it has. */
export function param({ params }: Pick<RouteRequest<unknown>, 'params'>, name: string): string {
  return params[name] ?? '';
}
