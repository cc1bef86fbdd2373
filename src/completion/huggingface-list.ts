import type { CatalogueModel } from './catalogue-model.ts';
import { asArray, asCount, asObject, asString, type JsonObject } from './json.ts';
import { scaledDecimal } from './money.ts';
import type { ModelPrices, Price } from './price.ts';

/**
 * Reads the answer to the router's `GET /models`: a row for each provider that serves a model now, under the id that asks for
 * just that one (`author/model:provider`). Null when there is no list at all.
 */
export function readHuggingFaceList(body: unknown): CatalogueModel[] | null {
  const rows = asObject(body)?.['data'];
  if (!Array.isArray(rows)) return null;
  return rows.flatMap((row) => readModel(asObject(row)));
}

function readModel(row: JsonObject | null): CatalogueModel[] {
  const id = asString(row?.['id']);
  if (row === null || id === null || !/^[^\s:]{1,180}$/u.test(id)) return [];
  const architecture = asObject(row['architecture']);
  return asArray(row['providers']).flatMap((entry) => {
    const provider = asObject(entry);
    const name = asString(provider?.['provider']);
    const isServing = (asString(provider?.['status']) ?? 'live') === 'live';
    if (provider === null || name === null || !/^[\w.-]{1,40}$/u.test(name) || !isServing) return [];
    return {
      id: `${id}:${name}`,
      name: id,
      contextLength: asCount(provider['context_length']),
      maxCompletionTokens: null,
      inputModalities: modalities(architecture?.['input_modalities']),
      outputModalities: modalities(architecture?.['output_modalities']),
      supportedParameters: provider['supports_tools'] === true ? ['tools'] : [],
      // The list tells nothing of it.
      reasoning: 'never',
      canReasonLess: false,
      prices: readPrices(asObject(provider['pricing'])),
      isFree: false,
      expiresOn: null,
      createdAtMs: null,
    } satisfies CatalogueModel;
  });
}

function modalities(value: unknown): readonly string[] {
  const named = asArray(value).filter((item) => typeof item === 'string');
  return named.length === 0 ? ['text'] : named;
}

/** USD for a million tokens, as numbers. */
function readPrices(pricing: JsonObject | null): ModelPrices {
  const prompt = readPrice(pricing?.['input']);
  const completion = readPrice(pricing?.['output']);
  return {
    prompt,
    completion,
    request: 0,
    cacheRead: null,
    cacheWrite: null,
    highestPrompt: prompt,
    highestCompletion: completion,
    usualBelowTokens: Number.MAX_SAFE_INTEGER,
  };
}

function readPrice(value: unknown): Price | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const nanoUsd = scaledDecimal(String(value), 9, 'up');
  return nanoUsd === null || nanoUsd < 0n || nanoUsd > BigInt(Number.MAX_SAFE_INTEGER)
    ? null
    : Number(nanoUsd);
}
