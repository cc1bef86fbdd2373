import { formatCount, formatUsd } from './duration.ts';
import { plural } from './plural.ts';

const count = (value: number): string => formatCount('en', value);
const usd = (nanoUsd: number): string => formatUsd('en', nanoUsd);

/** What is said of models, and of what people choose for their answers. */
export const enModels = {
  'model.title': (p: { count: number; page: number; pages: number }) =>
    `**${plural(p.count, 'model', 'models')}**, page ${p.page} of ${p.pages}`,
  'model.how': () => 'Choose one with `/model use`; `/model info` tells more.',
  'model.how_pages': (p: { line: string }) => `The next page: \`${p.line}\``,
  'model.can.image': () => 'takes images',
  'model.can.file': () => 'takes files',
  'model.can.audio': () => 'takes audio',
  'model.can.tools': () => 'uses tools',
  'model.can.think': () => 'can think before it answers',
  'model.is_yours': () => '✅ *yours*',
  'model.none': () => 'No model that you could choose here is like that.',
  'model.no_choice': () =>
    'Here the models are set by whoever runs this bot; there is nothing to choose from.',
  'model.no_list': () => 'I have not received the list of models yet. Please try again in a minute.',
  'model.context': (p: { tokens: number }) => `reads ${count(p.tokens)} tokens`,
  'model.longest_answer': (p: { tokens: number }) => `writes up to ${count(p.tokens)} tokens`,
  'model.free': () => 'free',
  'model.price': (p: { promptNanoUsd: number; completionNanoUsd: number }) =>
    `per million tokens: ${usd(p.promptNanoUsd)} read, ${usd(p.completionNanoUsd)} written`,
  'model.price_from': (p: { promptNanoUsd: number; completionNanoUsd: number }) =>
    `per million tokens: from ${usd(p.promptNanoUsd)} read, ${usd(p.completionNanoUsd)} written`,
  'model.price_unknown': () => 'price decided only when it is asked',
  'model.price_request': (p: { nanoUsd: number }) => `${usd(p.nanoUsd)} more for each question`,
  'model.price_highest': (p: { promptNanoUsd: number; completionNanoUsd: number }) =>
    `at most ${usd(p.promptNanoUsd)} read, ${usd(p.completionNanoUsd)} written per million, for instance for long questions`,
  'model.expires': (p: { date: string }) => `⏳ may be gone after ${p.date}`,
  'model.chosen': (p: { model: string }) =>
    `From now on \`${p.model}\` answers you, and no other model. \`/preferences fallback:on\` lets others step in when it can't.`,
  'model.chosen_first': (p: { model: string }) =>
    `From now on \`${p.model}\` answers you, and others step in when it can't.`,
  'model.reset': () => 'From now on I choose the model again.',
  'model.free_only': (p: { model: string }) =>
    `\`${p.model}\` costs money, and I am set to free models only.`,
  'model.no_price': (p: { model: string }) =>
    `Nobody can tell beforehand what \`${p.model}\` costs, so I don't offer it.`,
  'model.not_allowed': (p: { model: string }) =>
    `\`${p.model}\` is not among the models that this community allows.`,
  'model.unknown': (p: { written: string; near: string }) =>
    p.near === ''
      ? `I know no model called ${p.written}. \`/model search\` finds one by words of its name.`
      : `I know no model called ${p.written}. Did you mean ${p.near}?`,
  'model.guild_pays': (p: { model: string }) =>
    `\`${p.model}\` costs money. This community pays with its own key, and only for models that its admins name with \`/settings models:\`.`,
  'preferences.title': () => '**Your preferences**',
  'preferences.model': (p: { model: string }) =>
    p.model === '' ? 'Model: I choose' : `Model: \`${p.model}\``,
  'preferences.fallback': (p: { isAllowed: number }) =>
    p.isAllowed === 1
      ? 'Fallback: **on** – where a model that you chose can’t answer, another one does'
      : 'Fallback: **off** – where you chose a model, only that one answers',
  'preferences.temperature': (p: { temperature: string }) =>
    p.temperature === '' ? 'Temperature: the usual one' : `Temperature: **${p.temperature}**`,
  'preferences.max_tokens': (p: { maxTokens: number }) =>
    p.maxTokens === 0
      ? 'Length of answers: the usual one'
      : `Length of answers: at most **${count(p.maxTokens)}** tokens`,
  'preferences.temperature_wrong': () =>
    'A temperature is a number from 0 (sober) to 2 (wild), such as 0.7, or `default`.',
  'preferences.max_tokens_wrong': (p: { least: number; most: number }) =>
    `The length of answers is a whole number of tokens from ${count(p.least)} to ${count(p.most)}, or \`default\`.`,
  'preferences.how': () =>
    'Change them with `/model use`, `/model reset` and, for example, `/preferences fallback:on temperature:0.3 max_tokens:500`. `/preferences reset:yes` forgets them all.',
} as const;
