import { asArray, asCount, asObject, asString, type JsonObject } from './json.ts';
import { readPrices, type ModelPrices } from './price.ts';

/** A model that can be asked for a chat completion, as the list described it. JSON-serialisable. */
export interface CatalogueModel {
  readonly id: string;
  readonly name: string;
  /** Tokens; null when not stated. */
  readonly contextLength: number | null;
  readonly maxCompletionTokens: number | null;
  readonly inputModalities: readonly string[];
  readonly outputModalities: readonly string[];
  readonly supportedParameters: readonly string[];
  /** Whether it reasons before it answers: never, when asked to, unless told not to, or always. */
  readonly reasoning: 'never' | 'optional' | 'default' | 'always';
  /** It reasons unasked and can be asked to do little of it. */
  readonly canReasonLess: boolean;
  readonly prices: ModelPrices;
  /** No request to it can cost anything. */
  readonly isFree: boolean;
  /** Its provider looks at prompts first and refuses some. Lists saved by an older release tell nothing of it. */
  readonly isModerated?: boolean;
  /** `YYYY-MM-DD`: it may be gone after that day. */
  readonly expiresOn: string | null;
  readonly createdAtMs: number | null;
}

export interface CatalogueSnapshot {
  readonly fetchedAtMs: number;
  readonly models: readonly CatalogueModel[];
}

/** The id of the router that passes a request to some free model. */
export const freeRouter = 'openrouter/free';

/**
 * Reads the answer to `GET /models`: the rows that can chat, each id once. Rows that can't be read are left out, and
 * null comes back when there is no list at all.
 */
export function readModelList(body: unknown): CatalogueModel[] | null {
  const rows = asObject(body)?.['data'];
  if (!Array.isArray(rows)) return null;
  const models = rows.map((row) => readModel(asObject(row))).filter((model) => model !== null);
  return [...new Map(models.map((model) => [model.id, model])).values()];
}

function readModel(row: JsonObject | null): CatalogueModel | null {
  const id = asString(row?.['id']);
  if (row === null || id === null || !/^[^\s]{1,200}$/.test(id) || id.endsWith(':batch')) return null;
  const modalities = readModalities(asObject(row['architecture']));
  if (!modalities.outputModalities.includes('text') || !modalities.inputModalities.includes('text'))
    return null;
  const prices = readPrices(row['pricing']);
  const supportedParameters = strings(row['supported_parameters']) ?? [];
  return {
    id,
    name: (asString(row['name']) ?? id).slice(0, 200),
    ...readLengths(row),
    ...modalities,
    supportedParameters,
    ...readReasoning(asObject(row['reasoning']), supportedParameters),
    prices,
    isFree: isFree(id, prices),
    isModerated: asObject(row['top_provider'])?.['is_moderated'] === true,
    expiresOn: readDate(row['expiration_date']),
    createdAtMs: secondsToMs(asCount(row['created'])),
  };
}

function readModalities(
  architecture: JsonObject | null,
): Pick<CatalogueModel, 'inputModalities' | 'outputModalities'> {
  return {
    inputModalities: strings(architecture?.['input_modalities']) ?? ['text'],
    outputModalities: strings(architecture?.['output_modalities']) ?? ['text'],
  };
}

function readLengths(row: JsonObject): Pick<CatalogueModel, 'contextLength' | 'maxCompletionTokens'> {
  const topProvider = asObject(row['top_provider']);
  return {
    contextLength: asCount(row['context_length']) ?? asCount(topProvider?.['context_length']),
    maxCompletionTokens: asCount(topProvider?.['max_completion_tokens']) || null,
  };
}

function readDate(value: unknown): string | null {
  return /^\d{4}-\d{2}-\d{2}/.exec(asString(value) ?? '')?.[0] ?? null;
}

function secondsToMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}

function strings(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? asArray(value).filter((item) => typeof item === 'string') : null;
}

function readReasoning(
  described: JsonObject | null,
  parameters: readonly string[],
): Pick<CatalogueModel, 'reasoning' | 'canReasonLess'> {
  if (described === null) {
    // Routers support reasoning without describing it. Whom they choose may reason; asked for less of it, they would
    // leave out the models that can't.
    return { reasoning: parameters.includes('reasoning') ? 'default' : 'never', canReasonLess: false };
  }
  const byDefault = described['default_enabled'] === false ? 'optional' : 'default';
  const reasoning = described['mandatory'] === true ? 'always' : byDefault;
  const efforts = strings(described['supported_efforts']);
  const hasLow = parameters.includes('reasoning') && (efforts === null || efforts.includes('low'));
  return { reasoning, canReasonLess: reasoning !== 'optional' && hasLow };
}

/**
 * Models whose prompt, completion and request prices are all zero; for a `:free` id they may also be missing. Everything
 * that may charge is not free: a price that is positive anywhere, one that is decided at run time (`-1`), aliases, and
 * all routers but the free one.
 */
function isFree(id: string, prices: ModelPrices): boolean {
  if (id.startsWith('~') || id.startsWith('@') || (id.startsWith('openrouter/') && id !== freeRouter))
    return false;
  const deciding = [prices.highestPrompt, prices.highestCompletion, prices.request];
  return deciding.every((price) => price === 0 || (price === null && id.endsWith(':free')));
}
