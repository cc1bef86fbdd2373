import { createCatalogue, type Catalogue } from './completion/catalogue.ts';
import { createGeminiClient } from './completion/gemini.ts';
import { readHuggingFaceList } from './completion/huggingface-list.ts';
import { createHuggingFaceClient } from './completion/huggingface.ts';
import type { ModelClient } from './completion/model-client.ts';
import { createModelShelf } from './completion/model-shelf.ts';
import { createOpenRouterClient } from './completion/openrouter.ts';
import { geminiModel, huggingFaceModel, type OwnModel } from './completion/own-model.ts';
import type { CompletionLog, ModelShelf } from './completion/ports.ts';
import type { Upstream } from './config-models.ts';
import type { Config } from './config.ts';

export interface ProviderParts {
  /** Null where the operator does not ask OpenRouter. */
  readonly openrouter: Upstream | null;
  readonly catalogue: Catalogue;
  /** People and guilds ask OpenRouter with keys of their own. Default: no. */
  readonly hasOwnKeys?: boolean;
  readonly now: () => number;
  readonly log: CompletionLog;
}

export interface Providers {
  readonly clients: readonly ModelClient[];
  readonly ownModels: readonly OwnModel[];
  /** Lists that have to be fetched now and again. */
  readonly lists: readonly Catalogue[];
  /** What people can choose from. */
  readonly models: ModelShelf;
}

/** The services that models are asked at, as the settings have it. */
export function createProviders(
  { gemini, huggingface, appUrl, appName, freeOnly }: Config['model'],
  { openrouter, catalogue, hasOwnKeys = false, now, log }: ProviderParts,
): Providers {
  const clients: ModelClient[] = [];
  const ownModels: OwnModel[] = [];
  const lists: Catalogue[] = [];
  if (openrouter !== null) clients.push(createOpenRouterClient({ ...openrouter, appUrl, appName, now }));
  if (openrouter !== null || hasOwnKeys || gemini?.isFree === false) lists.push(catalogue);
  if (gemini !== null) {
    clients.push(createGeminiClient({ ...gemini, now }));
    ownModels.push(geminiModel(gemini, catalogue));
  }
  if (huggingface !== null) {
    const { apiKey, baseUrl } = huggingface;
    const list = createCatalogue({ apiKey, baseUrl, store: null, read: readHuggingFaceList, now, log });
    clients.push(createHuggingFaceClient({ apiKey, baseUrl, now }));
    ownModels.push(huggingFaceModel(huggingface, list));
    if (!huggingface.isFree) lists.push(list);
  }
  const models = createModelShelf({
    catalogue: openrouter === null && !hasOwnKeys ? null : catalogue,
    isOperators: openrouter !== null,
    freeOnly,
  });
  return { clients, ownModels, lists, models };
}
