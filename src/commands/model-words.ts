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

/** A model in one line: what it is called, how much it reads, what it costs, and signs of what it can do. */
export function describeModel(model: CatalogueModel, say: Say): string {
  const signs = abilitiesOf(model).map((ability) => SIGNS[ability]);
  return [`\`${model.id}\``, ...factsOf(model, signs.join(''), say)].join(' · ');
}

/** What there is to say of a model beside its id; what it can do in words. */
export function detailsOf(model: CatalogueModel, say: Say): string[] {
  const words = abilitiesOf(model).map((ability) => say({ key: `model.can.${ability}` }));
  return factsOf(model, words.join(', '), say);
}

/** What the signs mean that stand in the lines of these models; empty where there are none. */
export function legendOf(models: readonly CatalogueModel[], say: Say): string {
  const seen = new Set(models.flatMap(abilitiesOf));
  return ABILITIES.filter((ability) => seen.has(ability))
    .map((ability) => `${SIGNS[ability]} ${say({ key: `model.can.${ability}` })}`)
    .join(' · ');
}

function factsOf(model: CatalogueModel, abilities: string, say: Say): string[] {
  const { contextLength, expiresOn } = model;
  return [
    contextLength === null ? null : say({ key: 'model.context', params: { tokens: contextLength } }),
    priceOf(model, say),
    abilities,
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
  return each === '' ? price : `${price}; ${each}`;
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

type Ability = 'image' | 'file' | 'audio' | 'tools' | 'think';

const SIGNS: Readonly<Record<Ability, string>> = {
  image: '🖼️',
  file: '📄',
  audio: '🎧',
  tools: '🔧',
  think: '🧠',
};
const ABILITIES = Object.keys(SIGNS) as readonly Ability[];

function abilitiesOf({ inputModalities, supportedParameters, reasoning }: CatalogueModel): Ability[] {
  return ABILITIES.filter((ability) => {
    if (ability === 'tools') return supportedParameters.includes('tools');
    return ability === 'think' ? reasoning !== 'never' : inputModalities.includes(ability);
  });
}

/** A name that somebody wrote, as it is shown back. */
export const quoted = (text: string): string => escapeMarkdown(text.slice(0, 80).toWellFormed());
