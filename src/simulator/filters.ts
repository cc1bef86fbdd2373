import { parseDecimal } from './billing.ts';
import {
  inputModalitiesOf,
  isFree,
  providerOf,
  supportedParametersOf,
  type SimulatedModel,
} from './catalogue.ts';
import {
  constraintFiltered,
  noInput,
  noStructuredOutputs,
  noToolChoice,
  noToolUse,
  privacyRestricted,
  unsupportedParameter,
} from './endpoint-refusals.ts';
import { refuse, type Refusal } from './errors.ts';
import { contentParts, type ChatRequest } from './validation.ts';

type Filter = (model: SimulatedModel, request: ChatRequest) => Refusal | undefined;

/** OpenRouter's refusal of a request that the model's only endpoint cannot or must not serve; undefined when it can. */
export function refusedByFilters(model: SimulatedModel, request: ChatRequest): Refusal | undefined {
  for (const filter of filters) {
    const refusal = filter(model, request);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Whether the request turns reasoning off. */
export function reasoningIsOff({ reasoning, reasoning_effort: shorthand }: ChatRequest): boolean {
  return (reasoning?.effort ?? shorthand) === 'none' || reasoning?.enabled === false;
}

const modalityByPart: Readonly<Record<string, string>> = {
  image_url: 'image',
  input_audio: 'audio',
  video_url: 'video',
  input_video: 'video',
};

/** Files pass everywhere, because the file parser turns them into text, unless the request insists on the model's own reading. */
const byModality: Filter = (model, request) => {
  const wantsFiles = request.plugins?.some(({ id, pdf }) => id === 'file-parser' && pdf?.engine === 'native');
  for (const { type } of contentParts(request.messages)) {
    const modality = modalityByPart[type] ?? (type === 'file' && wantsFiles === true ? 'file' : 'text');
    if (!inputModalitiesOf(model).includes(modality)) {
      return noInput(modality);
    }
  }
  return undefined;
};

const byTools: Filter = (model, { tools: [first] = [] }) => {
  if (first === undefined || supportedParametersOf(model).includes('tools')) return undefined;
  return noToolUse(first.function?.name ?? first.type);
};

const byToolChoice: Filter = (model, { tool_choice: choice = 'auto' }) => {
  if (choice === 'auto' || choice === 'none') return undefined;
  if (supportedParametersOf(model).includes('tool_choice')) return undefined;
  return noToolChoice();
};

const byStructuredOutput: Filter = (model, { response_format: format }) =>
  format?.type === 'json_schema' && !supportedParametersOf(model).includes('structured_outputs')
    ? noStructuredOutputs()
    : undefined;

const byMandatoryReasoning: Filter = (model, request) =>
  model.reasoning?.mandatory === true && reasoningIsOff(request)
    ? refuse(400, 'Reasoning is mandatory for this endpoint and cannot be disabled.')
    : undefined;

const byProvider: Filter = (model, request) => {
  const { only, ignore, order, allow_fallbacks: fallbacks } = request.provider ?? {};
  const provider = providerOf(model);
  const names = (slugs: readonly string[]) =>
    slugs.some((slug) => slug.toLowerCase().split('/')[0] === provider.toLowerCase().replaceAll(' ', '-'));
  const message = 'No allowed providers are available for the selected model.';
  if (only && !names(only))
    return constraintFiltered(model.id, message, {
      field: 'provider.only',
      detail: `${provider} is not allowed`,
    });
  if (ignore && names(ignore))
    return constraintFiltered(model.id, message, {
      field: 'provider.ignore',
      detail: `${provider} is ignored`,
    });
  if (fallbacks === false && order && !names(order)) {
    return constraintFiltered(model.id, message, {
      field: 'provider.order',
      detail: `${provider} is not in the order`,
    });
  }
  return undefined;
};

/** Caps are USD for a million tokens, that of `request` USD for one request; a price that only a router knows is above any cap. */
const byMaxPrice: Filter = (model, request) => {
  for (const field of ['prompt', 'completion', 'request', 'image'] as const) {
    const cap = request.provider?.max_price?.[field];
    if (cap === undefined) continue;
    const price = parseDecimal(model.pricing[field] ?? '0') * (field === 'request' ? 1n : 1_000_000n);
    const allowed = parseDecimal(typeof cap === 'number' ? decimalOf(cap) : cap);
    if (price < 0n || price > allowed) {
      const message = 'No endpoints found that satisfy the maximum price.';
      return constraintFiltered(model.id, message, {
        field: 'provider.max_price',
        detail: `the ${field} price is above ${cap}`,
      });
    }
  }
  return undefined;
};

const byDataPolicy: Filter = (model, request) => {
  const policy = model.dataPolicy ?? { zdr: !isFree(model), training: isFree(model) };
  const excluded = [
    ...(request.provider?.zdr === true && !policy.zdr ? ['data_policy:zdr'] : []),
    ...(request.provider?.data_collection === 'deny' && policy.training ? ['data_policy:training'] : []),
  ];
  return excluded.length === 0 ? undefined : privacyRestricted(model.id, excluded);
};

const parameterNames = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'top_a',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'seed',
  'stop',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'response_format',
  'tools',
  'tool_choice',
  'reasoning',
] as const;

const byRequiredParameters: Filter = (model, request) => {
  if (request.provider?.require_parameters !== true) return undefined;
  const missing = parameterNames.find(
    (name) => (request[name] ?? null) !== null && !supportedParametersOf(model).includes(name),
  );
  return missing === undefined ? undefined : unsupportedParameter(model.id, missing);
};

const filters: readonly Filter[] = [
  byModality,
  byTools,
  byToolChoice,
  byStructuredOutput,
  byMandatoryReasoning,
  byProvider,
  byMaxPrice,
  byDataPolicy,
  byRequiredParameters,
];

/** A number from a JSON body in plain decimal digits, without an exponent. */
function decimalOf(value: number): string {
  return value.toFixed(12).replace(/\.?0+$/, '');
}
