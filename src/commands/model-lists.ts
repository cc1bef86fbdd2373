import type { CatalogueModel } from '../completion/catalogue-model.ts';
import type { ModelFilter } from '../completion/ports.ts';
import { lines, withButtons, type Command, type CommandAnswer, type CommandUse } from './command.ts';
import { describeModel, legendOf, MODEL_FAMILY } from './model-words.ts';

const FILTERS = ['free', 'vision', 'files', 'audio', 'tools'] as const satisfies readonly ModelFilter[];
const PAGE = 8;

/** The models that one can choose from here. */
export const modelList: Command = {
  spec: {
    ...MODEL_FAMILY,
    subcommand: 'list',
    options: [
      { name: 'filter', kind: 'text', required: false, choices: FILTERS },
      { name: 'page', kind: 'integer', required: false },
    ],
  },
  async run(use) {
    const filter = FILTERS.find((one) => one === use.options['filter']) ?? null;
    const allowed = await allowedHere(use);
    const again = filter === null ? 'list' : `list filter:${filter}`;
    return await show(use, use.services.models.list(filter, allowed, await payerHere(use)), again);
  },
};

/** Those in whose name some words stand. */
export const modelSearch: Command = {
  spec: {
    ...MODEL_FAMILY,
    subcommand: 'search',
    options: [
      { name: 'page', kind: 'integer', required: false },
      { name: 'query', kind: 'text', required: true, greedy: true },
    ],
  },
  async run(use) {
    // It is shown back as code.
    const query = String(use.options['query'] ?? '').replaceAll('`', '');
    const found = use.services.models.search(query, await allowedHere(use), await payerHere(use));
    return await show(use, found, 'search', ` ${query}`);
  },
};

export const allowedHere = ({ invocation, services }: CommandUse) =>
  invocation.guild === null
    ? Promise.resolve(null)
    : services.guildSettings.allowedModels(invocation.guild.id);

/** Who would pay here for what this person asks. */
export const payerHere = ({ invocation: { author, guild }, services }: CommandUse) =>
  services.keys.payer(author.id, guild?.id ?? null);

/** One page; `before` and `behind` are what is written around the page's number to have another one. */
async function show(
  use: CommandUse,
  models: readonly CatalogueModel[],
  before: string,
  behind = '',
): Promise<CommandAnswer> {
  const { options, say, services, invocation } = use;
  if (models.length === 0) {
    const { models: shelf } = services;
    if (!shelf.offersChoice(await payerHere(use))) return say({ key: 'model.no_choice' });
    return say({ key: shelf.hasList() ? 'model.none' : 'model.no_list' });
  }
  const lineOf = (to: number): string => `${before} page:${to}${behind}`;
  const pages = Math.ceil(models.length / PAGE);
  const page = Math.min(Math.max(Number(options['page'] ?? 1), 1), pages);
  // Where others read along, and may turn the page, it is nobody's list.
  const own = invocation.isPrivate ? (await services.preferences.of(invocation.author.id)).model : null;
  const shown = models.slice((page - 1) * PAGE, page * PAGE);
  const rows = shown.map(
    (model) =>
      `- ${describeModel(model, say)}${model.id === own ? ` ${say({ key: 'model.is_yours' })}` : ''}`,
  );
  const legend = legendOf(shown, say);
  const text = lines(
    say({ key: 'model.title', params: { count: models.length, page, pages } }),
    ...rows,
    '',
    ...(legend === '' ? [] : [legend]),
    say({ key: 'model.how' }),
    ...(page < pages
      ? [say({ key: 'model.how_pages', params: { line: `/model ${lineOf(page + 1)}` } })]
      : []),
  );
  const turnTo = (to: number) => ({ command: 'model', line: lineOf(to) });
  return withButtons(text, [
    ...(page > 1 ? [{ label: '◀', ...turnTo(page - 1) }] : []),
    ...(page < pages ? [{ label: `${page}/${pages} ▶`, ...turnTo(page + 1) }] : []),
  ]);
}
