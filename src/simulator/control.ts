import type { IncomingMessage, ServerResponse } from 'node:http';
import { ZodError } from 'zod';
import type { SimulatedModel } from './catalogue.ts';
import { readBody, sendJson } from './http.ts';

/** What another process may order over HTTP. */
export interface Steering {
  play(scenario: unknown, match?: unknown): void;
  reset(): void;
  calls(): readonly object[];
  setModels(models: readonly SimulatedModel[]): void;
}

const maxBodyBytes = 20 * 1024 * 1024;

/** Answers the requests under `/__simulator/`: 200 with `{ok: true}` or the calls, 400 with `{error}` for a scenario that does not exist. */
export async function answerControl(
  steering: Steering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, maxBodyBytes);
  try {
    sendJson(response, 200, obey(steering, `${request.method} ${request.url}`, body?.toString() ?? ''));
  } catch (error) {
    if (!(error instanceof ZodError || error instanceof SyntaxError || error instanceof TypeError))
      throw error;
    sendJson(response, 400, { error: error.message });
  }
}

function obey(steering: Steering, order: string, text: string): object {
  switch (order) {
    case 'GET /__simulator/calls':
      return steering.calls();
    case 'POST /__simulator/reset':
      steering.reset();
      return { ok: true };
    case 'POST /__simulator/play': {
      const { scenario, match } = JSON.parse(text) as { scenario?: unknown; match?: unknown };
      steering.play(scenario, match);
      return { ok: true };
    }
    case 'POST /__simulator/models': {
      const { models } = JSON.parse(text) as { models: readonly SimulatedModel[] };
      if (!Array.isArray(models)) throw new TypeError('models must be an array');
      steering.setModels(models);
      return { ok: true };
    }
    default:
      throw new TypeError(`unknown order: ${order}`);
  }
}
