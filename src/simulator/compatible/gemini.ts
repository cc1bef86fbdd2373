import type { SimulatedModel } from '../catalogue.ts';
import { googleError, invalidPayload, quotaSpent } from './refusal.ts';
import type { Service } from './service.ts';

const models: readonly SimulatedModel[] = [
  {
    id: 'gemini-3.8-flash',
    pricing: { prompt: '0.000000825', completion: '0.000004125' },
    contextLength: 1_048_576,
    maxCompletionTokens: 65_536,
  },
  {
    id: 'gemini-2.5-flash-lite',
    pricing: { prompt: '0.0000001', completion: '0.0000004' },
    contextLength: 1_048_576,
    maxCompletionTokens: 65_535,
  },
];

/** Google's Gemini API by its interface for OpenAI's clients. */
export const gemini: Service = {
  name: 'gemini',
  basePath: '/v1beta/openai',
  usualKey: 'AIza-simulated',
  models,
  fields: new Set([
    'model',
    'messages',
    'max_tokens',
    'max_completion_tokens',
    'temperature',
    'top_p',
    'n',
    'stop',
    'stream',
    'stream_options',
    'tools',
    'tool_choice',
    'response_format',
    'reasoning_effort',
    'modalities',
    'extra_body',
  ]),
  unknownFields: invalidPayload,
  unauthorized: (header) =>
    header === undefined
      ? googleError(400, 'INVALID_ARGUMENT', 'Missing or invalid Authorization header.')
      : googleError(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'API_KEY_INVALID',
            domain: 'googleapis.com',
            metadata: { service: 'generativelanguage.googleapis.com' },
          },
        ]),
  invalid: (message) => googleError(400, 'INVALID_ARGUMENT', message),
  find: (listed, id) => listed.find((model) => model.id === id.replace(/^models\//u, '')),
  unknownModel: (id) =>
    googleError(
      404,
      'NOT_FOUND',
      `models/${id} is not found for API version v1main, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`,
    ),
  modelList: (listed) => ({
    object: 'list',
    data: listed.map(({ id }) => ({ id: `models/${id}`, object: 'model', owned_by: 'google' })),
  }),
  needsKeyForList: true,
  refusals: {
    'rate-limited': (model) =>
      quotaSpent('GenerateRequestsPerMinutePerProjectPerModel-FreeTier', model, '23s'),
    'day-spent': (model) =>
      quotaSpent('GenerateRequestsPerDayPerProjectPerModel-FreeTier', model, '39.578569677s'),
    'paid-day-spent': (model) => quotaSpent('GenerateRequestsPerDayPerProjectPerModel', model, '39s'),
    overloaded: () => googleError(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
    internal: () =>
      googleError(
        500,
        'INTERNAL',
        'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
      ),
    unauthorized: () =>
      googleError(
        401,
        'UNAUTHENTICATED',
        'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
      ),
    'key-leaked': () =>
      googleError(
        403,
        'PERMISSION_DENIED',
        'Your API key was reported as leaked. Please use another API key.',
      ),
    'credits-depleted': () =>
      googleError(
        429,
        'RESOURCE_EXHAUSTED',
        'Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.',
      ),
    location: () =>
      googleError(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'),
    'too-long': () =>
      googleError(
        400,
        'INVALID_ARGUMENT',
        'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      ),
    deadline: () =>
      googleError(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'),
  },
  streamError: (code, message) => [{ error: { code, message, status: 'UNAVAILABLE' } }],
  newId: (random) => Math.floor(random() * 2 ** 48).toString(36),
  reportsUsageAlways: true,
  hidesThoughtTokens: true,
};
