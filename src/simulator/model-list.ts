import {
  canonicalSlugOf,
  contextLengthOf,
  inputModalitiesOf,
  outputModalitiesOf,
  providerOf,
  supportedParametersOf,
  type SimulatedModel,
} from './catalogue.ts';
import { refuse, type Refusal } from './errors.ts';

/** The answer to `GET /models` and `GET /models/user`: text models unless `output_modalities` asks for others, paged only on demand. */
export function modelList(models: readonly SimulatedModel[], query: URLSearchParams): object {
  const wanted = (query.get('output_modalities') ?? 'text').split(',');
  const parameters = query.get('supported_parameters')?.split(',') ?? [];
  const search = query.get('q')?.toLowerCase() ?? '';
  const matching = models.filter(
    (model) =>
      (wanted.includes('all') || outputModalitiesOf(model).some((modality) => wanted.includes(modality))) &&
      parameters.every((parameter) => supportedParametersOf(model).includes(parameter)) &&
      model.id.toLowerCase().includes(search),
  );
  const offset = Number(query.get('offset') ?? 0);
  const limit = Number(query.get('limit') ?? matching.length);
  const end = offset + limit;
  return {
    data: matching.slice(offset, end).map(modelRow),
    total_count: matching.length,
    links: { next: end < matching.length ? `/api/v1/models?offset=${end}&limit=${limit}` : null },
  };
}

/** The answer to `GET /model/{author}/{slug}`. */
export function oneModel(models: readonly SimulatedModel[], id: string): object | Refusal {
  const model = find(models, id);
  return model === undefined ? refuse(404, 'Model not found') : { data: modelRow(model) };
}

/** The answer to `GET /models/{author}/{slug}/endpoints`; the simulator has one endpoint for each model. */
export function modelEndpoints(models: readonly SimulatedModel[], id: string): object | Refusal {
  const model = find(models, id);
  if (model === undefined) return refuse(404, 'Model not found');
  const { name, created, description, architecture } = modelRow(model);
  return { data: { id: model.id, name, created, description, architecture, endpoints: [endpoint(model)] } };
}

function find(models: readonly SimulatedModel[], id: string): SimulatedModel | undefined {
  return models.find((model) => model.id === id) ?? models.find((model) => canonicalSlugOf(model) === id);
}

function modelRow(model: SimulatedModel) {
  const input = inputModalitiesOf(model);
  const output = outputModalitiesOf(model);
  return {
    id: model.id,
    canonical_slug: canonicalSlugOf(model),
    hugging_face_id: null,
    name: model.name ?? model.id,
    created: 1_775_000_000,
    description: model.description ?? 'A simulated model.',
    context_length: contextLengthOf(model),
    architecture: {
      modality: `${input.join('+')}->${output.join('+')}`,
      input_modalities: input,
      output_modalities: output,
      tokenizer: 'Other',
      instruct_type: null,
    },
    pricing: model.pricing,
    top_provider: {
      context_length: contextLengthOf(model),
      max_completion_tokens: model.maxCompletionTokens ?? null,
      is_moderated: model.isModerated ?? false,
    },
    per_request_limits: null,
    supported_parameters: supportedParametersOf(model),
    default_parameters: { temperature: null, top_p: null, frequency_penalty: null },
    supported_voices: null,
    knowledge_cutoff: null,
    expiration_date: model.expirationDate ?? null,
    ...(model.reasoning && { reasoning: model.reasoning }),
    links: { details: `/api/v1/models/${canonicalSlugOf(model)}/endpoints` },
    ...model.row,
  };
}

function endpoint(model: SimulatedModel): object {
  const provider = providerOf(model);
  const tools = supportedParametersOf(model).includes('tools');
  return {
    name: `${provider} | ${canonicalSlugOf(model)}`,
    model_id: model.id,
    model_name: model.name ?? model.id,
    provider_name: provider,
    tag: provider.toLowerCase(),
    context_length: contextLengthOf(model) ?? 0,
    max_completion_tokens: model.maxCompletionTokens ?? null,
    max_prompt_tokens: null,
    quantization: 'unknown',
    status: 0,
    pricing: model.pricing,
    supported_parameters: supportedParametersOf(model),
    supports_implicit_caching: false,
    supports_tool_choice: { auto: tools, none: tools, required: tools, function: tools },
    supports_voice_cloning: false,
    uptime_last_5m: 100,
    uptime_last_30m: 99.9,
    uptime_last_1d: 99.8,
    latency_last_30m: { p50: 0.4, p75: 0.6, p90: 0.9, p99: 2.1 },
    throughput_last_30m: { p50: 60, p75: 50, p90: 40, p99: 20 },
  };
}
