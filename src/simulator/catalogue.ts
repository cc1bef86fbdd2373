/** A price list as OpenRouter publishes it: decimal strings, USD per token or unit; `"-1"` means that a router decides. */
export interface ModelPricing {
  prompt: string;
  completion: string;
  request?: string;
  image?: string;
  input_cache_read?: string;
  input_cache_write?: string;
  web_search?: string;
  /** Later entries win, key by key, once the prompt has at least `min_prompt_tokens`. */
  overrides?: readonly {
    min_prompt_tokens: number;
    prompt?: string;
    completion?: string;
    input_cache_write?: string;
  }[];
}

/** What the simulator knows about a model. Everything but `id` and `pricing` has a default. */
export interface SimulatedModel {
  id: string;
  pricing: ModelPricing;
  name?: string;
  description?: string;
  /** The dated permaslug that answers report as `model`. */
  canonicalSlug?: string;
  contextLength?: number | null;
  maxCompletionTokens?: number | null;
  inputModalities?: readonly string[];
  outputModalities?: readonly string[];
  supportedParameters?: readonly string[];
  reasoning?: { mandatory: boolean; default_enabled?: boolean; supported_efforts?: readonly string[] | null };
  /** `YYYY-MM-DD`: the model may be removed after that day. */
  expirationDate?: string | null;
  isModerated?: boolean;
  /** Display name of the one provider that serves the model. */
  provider?: string;
  /** Whether the provider keeps nothing (`zdr`), and whether it trains on what it is sent. */
  dataPolicy?: { zdr: boolean; training: boolean };
  /** Fields to merge over the row of `GET /models`; `undefined` leaves one out, to play an incomplete row. */
  row?: Readonly<Record<string, unknown>>;
}

export const defaultParameters = [
  'max_tokens',
  'temperature',
  'top_p',
  'stop',
  'seed',
  'frequency_penalty',
  'presence_penalty',
] as const;

export function contextLengthOf(model: SimulatedModel): number | null {
  return model.contextLength === undefined ? 131_072 : model.contextLength;
}

export function inputModalitiesOf(model: SimulatedModel): readonly string[] {
  return model.inputModalities ?? ['text'];
}

export function outputModalitiesOf(model: SimulatedModel): readonly string[] {
  return model.outputModalities ?? ['text'];
}

export function supportedParametersOf(model: SimulatedModel): readonly string[] {
  return model.supportedParameters ?? defaultParameters;
}

export function providerOf(model: SimulatedModel): string {
  return model.provider ?? 'DeepInfra';
}

/** A free model: its id ends in `:free`, or it asks nothing for prompt, completion and request. A price of -1 is not free. */
export function isFree({ id, pricing }: SimulatedModel): boolean {
  if (id.endsWith(':free')) return true;
  return [pricing.prompt, pricing.completion, pricing.request ?? '0'].every((price) => Number(price) === 0);
}

/** Whether a chat completion can be asked of it now: it writes text and is neither for batches only nor a router. */
export function isChatModel(model: SimulatedModel): boolean {
  return outputModalitiesOf(model).includes('text') && !model.id.endsWith(':batch') && !isRouter(model);
}

/** A row that stands for a choice among other models. */
export function isRouter({ id, pricing }: SimulatedModel): boolean {
  return id === 'openrouter/free' || Number(pricing.prompt) < 0;
}

/** The permaslug of the model: without variant, dated. */
export function canonicalSlugOf(model: SimulatedModel): string {
  return model.canonicalSlug ?? `${model.id.replace(/:[^/]*$/, '')}-20260402`;
}

/** The id without a variant that OpenRouter applies by itself to any model (`:nitro`, `:floor`, `:exacto`, `:online`). */
export function withoutDynamicVariant(id: string): string {
  return id.replace(/(:(nitro|floor|exacto|online))+$/, '');
}
