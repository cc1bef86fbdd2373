import { z } from 'zod';
import { serverToolFailed } from './endpoint-refusals.ts';
import { refuse, type Refusal } from './errors.ts';

const cacheControl = z
  .looseObject({ type: z.literal('ephemeral'), ttl: z.literal('5m').optional() })
  .nullish();
const part = z.looseObject({
  cache_control: cacheControl,
  type: z.enum(['text', 'image_url', 'input_audio', 'file', 'video_url', 'input_video']),
  text: z.string().optional(),
  image_url: z.looseObject({ url: z.string() }).optional(),
  input_audio: z.looseObject({ data: z.string(), format: z.string() }).optional(),
  file: z.looseObject({ filename: z.string().optional(), file_data: z.string().optional() }).optional(),
  video_url: z.looseObject({ url: z.string() }).optional(),
});
const completePart = part.refine((value) => value.type === 'input_video' || value[value.type] !== undefined, {
  error: 'the content part lacks the field that its type names',
});
const content = z.union([z.string(), z.array(completePart)]);
const message = z.discriminatedUnion('role', [
  z.looseObject({ role: z.enum(['system', 'developer', 'user']), content, name: z.string().optional() }),
  z.looseObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    tool_calls: z.array(z.looseObject({ id: z.string() })).optional(),
    annotations: z.array(z.looseObject({ type: z.string() })).optional(),
  }),
  z.looseObject({ role: z.literal('tool'), content, tool_call_id: z.string() }),
]);

const between = (low: number, high: number) => z.number().min(low).max(high).nullish();
const effort = z.enum(['max', 'xhigh', 'high', 'medium', 'low', 'minimal', 'none']).nullish();
/** `WebSearchServerToolConfig` of OpenRouter's API description. */
const searchParameters = z.strictObject({
  engine: z.enum(['auto', 'native', 'exa', 'parallel', 'firecrawl', 'perplexity']).optional(),
  mode: z.string().optional(),
  max_results: z.int().min(1).optional(),
  max_uses: z.int().min(1).optional(),
  max_total_results: z.int().min(1).optional(),
  max_characters: z.int().min(1).optional(),
  search_context_size: z.enum(['low', 'medium', 'high']).optional(),
  allowed_domains: z.array(z.string()).optional(),
  excluded_domains: z.array(z.string()).optional(),
  user_location: z.looseObject({}).optional(),
});
const tool = z.looseObject({
  type: z.string(),
  parameters: z.looseObject({}).optional(),
  function: z.looseObject({ name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/) }).optional(),
});
const responseFormat = z.discriminatedUnion('type', [
  z.looseObject({ type: z.enum(['text', 'json_object', 'grammar', 'python']) }),
  z.looseObject({
    type: z.literal('json_schema'),
    json_schema: z.looseObject({
      name: z.string().max(64),
      schema: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);
const price = z.union([z.number(), z.string().regex(/^\d+(\.\d+)?$/)]).optional();
const provider = z.looseObject({
  order: z.array(z.string()).nullish(),
  only: z.array(z.string()).nullish(),
  ignore: z.array(z.string()).nullish(),
  allow_fallbacks: z.boolean().nullish(),
  require_parameters: z.boolean().nullish(),
  data_collection: z.enum(['allow', 'deny']).nullish(),
  zdr: z.boolean().nullish(),
  max_price: z
    .looseObject({ prompt: price, completion: price, request: price, image: price, audio: price })
    .optional(),
});
const plugin = z.looseObject({
  id: z.enum([
    'web',
    'web-fetch',
    'file-parser',
    'response-healing',
    'context-compression',
    'moderation',
    'auto-router',
    'auto-beta-router',
    'pareto-router',
    'switchyard-router',
    'fusion',
  ]),
  enabled: z.boolean().optional(),
  pdf: z.looseObject({ engine: z.string().optional() }).optional(),
});

const requestSchema = z.looseObject({
  model: z.string().min(1).optional(),
  models: z.array(z.string()).max(3, { error: "'models' array must have 3 items or fewer." }).optional(),
  messages: z.array(message).min(1),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: between(0, 2),
  top_p: between(0, 1),
  top_k: z.int().nullish(),
  min_p: between(0, 1),
  top_a: between(0, 1),
  frequency_penalty: between(-2, 2),
  presence_penalty: between(-2, 2),
  repetition_penalty: between(0, 2),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({}).nullish(),
  tools: z.array(tool).optional(),
  tool_choice: z
    .union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.string() })])
    .optional(),
  max_tool_calls: z.int().min(1).max(30).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormat.optional(),
  reasoning: z
    .looseObject({
      effort,
      max_tokens: z.int().min(1).nullish(),
      exclude: z.boolean().nullish(),
      enabled: z.boolean().nullish(),
    })
    .refine((value) => !(value.effort && value.max_tokens), {
      error: 'only one of "reasoning.effort" and "reasoning.max_tokens" can be specified',
    })
    .nullish(),
  reasoning_effort: effort,
  modalities: z.array(z.enum(['text', 'image', 'audio'])).optional(),
  provider: provider.nullish(),
  plugins: z.array(plugin).optional(),
  user: z.string().optional(),
  session_id: z.string().max(256).optional(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((value) => Object.keys(value).length <= 16, { error: 'at most 16 pairs' })
    .optional(),
  web_search_options: z.looseObject({}).optional(),
  transforms: z.array(z.string()).optional(),
  cache_control: cacheControl,
});

/** The body of `POST /chat/completions`, checked; unknown fields are kept. */
export type ChatRequest = z.output<typeof requestSchema>;
export type ChatMessage = ChatRequest['messages'][number];
export type ContentPart = z.output<typeof part>;

type Validation = { ok: true; request: ChatRequest } | { ok: false; refusal: Refusal };

/** Checks types and ranges of every known field; unknown fields pass, as they do at OpenRouter. */
export function validateChatRequest(body: unknown): Validation {
  const invalid = (text: string): Validation => ({ ok: false, refusal: refuse(400, text) });
  if (typeof body !== 'object' || body === null || !('messages' in body)) {
    return invalid('Input required: specify "prompt" or "messages"');
  }
  const result = requestSchema.safeParse(body);
  if (result.success) {
    const refusal = refuseServerTools(result.data);
    return refusal === undefined ? { ok: true, request: result.data } : { ok: false, refusal };
  }
  const [first] = result.error.issues;
  const message = first?.message ?? 'Invalid input';
  return invalid(message.startsWith("'models'") ? message : `${first?.path.join('.')}: ${message}`);
}

/** `max_completion_tokens`, or its older name; undefined when the request leaves it to the model. */
export function maxTokensOf(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens ?? undefined;
}

/** Every content part of every message; a plain string counts as a text part. */
export function* contentParts(messages: readonly ChatMessage[]): Generator<ContentPart> {
  for (const { content: value } of messages) {
    if (typeof value === 'string') yield { type: 'text', text: value };
    else if (value) yield* value;
  }
}

/** The tools that the service runs itself do not go together with fallbacks of the request. */
function refuseServerTools({ tools = [], models = [] }: ChatRequest): Refusal | undefined {
  const own = tools.filter(({ type }) => type.startsWith('openrouter:'));
  if (own.length > 0 && models.length > 0) return serverToolFailed();
  const searches = own.filter(({ type }) => type === 'openrouter:web_search');
  const [issue] = searches.flatMap(
    ({ parameters }) => searchParameters.safeParse(parameters ?? {}).error?.issues ?? [],
  );
  return issue && refuse(400, `tools.parameters.${issue.path.join('.')}: ${issue.message}`);
}
