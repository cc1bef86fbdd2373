import type { CatalogueModel } from '../completion/catalogue-model.ts';
import type { Price } from '../completion/price.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { CommandSpec } from '../platform/command.ts';
import type { CommandUse } from './command.ts';

type Say = CommandUse['say'];

/** What all of `/model` have in common. */
export const MODEL_FAMILY = {
  name: 'model',
  scope: 'any',
  requires: 'everyone',
  respond: 'deferPrivate',
} as const satisfies Partial<CommandSpec>;

/** A model in one line: what it is called, how much it reads, what it costs and what it takes. */
export function describeModel(model: CatalogueModel, say: Say): string {
  return [`\`${model.id}\``, ...factsOf(model, say)].join(' · ');
}

/** What there is to say of a model beside its id. */
export function factsOf(model: CatalogueModel, say: Say): string[] {
  const { contextLength, expiresOn } = model;
  return [
    contextLength === null ? null : say({ key: 'model.context', params: { tokens: contextLength } }),
    priceOf(model, say),
    marksOf(model),
    expiresOn === null ? null : say({ key: 'model.expires', params: { date: expiresOn } }),
  ].filter((fact) => fact !== null && fact !== '') as string[];
}

function priceOf({ isFree, prices }: CatalogueModel, say: Say): string {
  if (isFree) return say({ key: 'model.free' });
  const { prompt, completion, request } = prices;
  if (prompt === null || completion === null) return say({ key: 'model.price_unknown' });
  const isTiered = isHigher(prices.highestPrompt, prompt) || isHigher(prices.highestCompletion, completion);
  // A price is in nano-USD for a million units.
  const params = { promptNanoUsd: prompt, completionNanoUsd: completion };
  const price = say({ key: isTiered ? 'model.price_from' : 'model.price', params });
  const each =
    (request ?? 0) > 0 ? say({ key: 'model.price_request', params: { nanoUsd: (request ?? 0) / 1e6 } }) : '';
  return each === '' ? price : `${price} ${each}`;
}

/** The most that a million tokens can cost, where that is more than usual. */
export function highestPrice({ isFree, prices }: CatalogueModel, say: Say): string | null {
  const { prompt, completion, highestPrompt, highestCompletion } = prices;
  if (isFree || highestPrompt === null || highestCompletion === null) return null;
  if (!isHigher(highestPrompt, prompt) && !isHigher(highestCompletion, completion)) return null;
  const params = { promptNanoUsd: highestPrompt, completionNanoUsd: highestCompletion };
  return say({ key: 'model.price_highest', params });
}

const isHigher = (highest: Price | null, usual: Price | null): boolean => (highest ?? 0) > (usual ?? 0);

const MARKS: readonly (readonly [modality: string, mark: string])[] = [
  ['image', '🖼️'],
  ['file', '📄'],
  ['audio', '🎧'],
];

function marksOf({ inputModalities, supportedParameters, reasoning }: CatalogueModel): string {
  const takes = MARKS.filter(([modality]) => inputModalities.includes(modality)).map(([, mark]) => mark);
  return [
    ...takes,
    supportedParameters.includes('tools') ? '🔧' : '',
    reasoning === 'never' ? '' : '🧠',
  ].join('');
}

/** A name that somebody wrote, as it is shown back. */
export const quoted = (text: string): string => escapeMarkdown(text.slice(0, 80).toWellFormed());
