import type { SimulatedModel } from '../catalogue.ts';
import { openAiError, sentence } from './refusal.ts';
import type { Service } from './service.ts';

/** `provider` names who serves the row; a model that several serve has a row for each. */
const models: readonly SimulatedModel[] = [
  row('openai/gpt-oss-120b', 'together', '0.00000015', '0.0000006'),
  row('openai/gpt-oss-120b', 'groq', '0.0000001', '0.0000005'),
  // Its price is not told.
  row('openai/gpt-oss-120b', 'hf-inference', '-1', '-1'),
  row('acme/unpriced', 'hf-inference', '-1', '-1'),
];

function row(id: string, provider: string, prompt: string, completion: string): SimulatedModel {
  return { id, provider, pricing: { prompt, completion }, contextLength: 131_072 };
}

/** Hugging Face's router of inference providers. */
export const huggingface: Service = {
  name: 'huggingface',
  basePath: '/v1',
  usualKey: 'hf_simulated',
  models,
  fields: new Set([
    'model',
    'messages',
    'max_tokens',
    'max_completion_tokens',
    'temperature',
    'top_p',
    'stop',
    'seed',
    'stream',
    'stream_options',
    'tools',
    'tool_choice',
    'response_format',
    'reasoning_effort',
    'frequency_penalty',
    'presence_penalty',
  ]),
  unknownFields: (fields) =>
    openAiError(422, `Extra inputs are not permitted, field: '${fields[0]}'`, 'invalid_request'),
  unauthorized: () => sentence(401, 'Invalid username or password.'),
  invalid: (message) => openAiError(400, message, 'invalid_request'),
  find(listed, id) {
    const [bare, provider = 'fastest'] = id.split(':');
    const isPolicy = ['fastest', 'cheapest', 'preferred'].includes(provider);
    return listed.find((model) => model.id === bare && (isPolicy || model.provider === provider));
  },
  unknownModel: (id) =>
    openAiError(
      400,
      `The requested model '${id}' is not supported by any provider you have enabled.`,
      'model_not_supported',
    ),
  modelList: (listed) => ({ object: 'list', data: [...Map.groupBy(listed, ({ id }) => id)].map(modelRow) }),
  needsKeyForList: false,
  refusals: {
    'no-credits': () =>
      sentence(
        402,
        'You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.',
      ),
    'rate-limited': () => sentence(429, 'Rate limit reached. Please retry later.', { 'retry-after': '17' }),
    loading: (model) => ({
      status: 503,
      body: { error: `Model ${model} is currently loading`, estimated_time: 20 },
    }),
    unauthorized: () => sentence(401, 'Invalid username or password.'),
    'no-permission': () =>
      sentence(
        403,
        'This authentication method does not have sufficient permissions to call Inference Providers on behalf of user simulated',
      ),
    gated: (model) => sentence(403, `Access to model ${model} is restricted.`),
    'too-long': () =>
      openAiError(400, "This model's maximum context length is 131072 tokens.", 'context_length_exceeded'),
    internal: () => sentence(500, 'Internal Server Error'),
  },
  streamError: (code, message) => ({ error: { message, http_status_code: code } }),
  newId: (random) => `chatcmpl-${Math.floor(random() * 2 ** 48).toString(36)}`,
  reportsUsageAlways: false,
  hidesThoughtTokens: false,
};

function modelRow([id, rows]: [string, SimulatedModel[]]): object {
  return {
    id,
    object: 'model',
    created: 1_754_352_000,
    owned_by: id.split('/')[0],
    architecture: { input_modalities: ['text'], output_modalities: ['text'] },
    providers: rows.map(({ provider, pricing, contextLength }) => ({
      provider,
      status: 'live',
      context_length: contextLength,
      ...(Number(pricing.prompt) >= 0 && {
        pricing: { input: aMillion(pricing.prompt), output: aMillion(pricing.completion) },
      }),
      supports_tools: true,
      supports_structured_output: false,
      is_model_author: false,
    })),
  };
}

/** USD for a million tokens, as the router tells it. */
function aMillion(price: string): number {
  return Number((Number(price) * 1e6).toFixed(6));
}
