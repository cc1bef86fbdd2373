import { createRecent } from '../../platform/recent.ts';

/**
 * The first answers to interactions. A question is stored before its person sees "thinking…", so that a crash loses
 * nothing over which that shows; and nothing is written into the response until it exists.
 */
export interface FirstAnswers {
  /** The interaction with this token will be answered; call the result with the message that this made, if one. */
  expect(token: string): (responseId: string | null) => void;
  /** Resolves with the response once the interaction is answered, with null where that is not known or was not here. */
  response(token: string): Promise<string | null>;
}

export function createFirstAnswers(): FirstAnswers {
  const responses = createRecent<string, Promise<string | null>>();
  return {
    expect(token) {
      const { promise, resolve } = Promise.withResolvers<string | null>();
      responses.set(token, promise);
      return resolve;
    },
    response: (token) => responses.get(token) ?? Promise.resolve(null),
  };
}
