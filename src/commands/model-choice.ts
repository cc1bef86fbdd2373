import type { CatalogueModel } from '../completion/catalogue-model.ts';
import type { ModelLookup, Payer } from '../completion/ports.ts';
import type { CommandOption } from '../platform/command.ts';
import { lines, type Command, type CommandUse } from './command.ts';
import { allowedHere, payerHere } from './model-lists.ts';
import { detailsOf, highestPrice, MODEL_FAMILY, quoted } from './model-words.ts';

const MODEL: CommandOption = {
  name: 'model',
  kind: 'text',
  required: true,
  greedy: true,
  suggests: 'models',
};

/** All that is known of one model. */
export const modelInfo: Command = {
  spec: { ...MODEL_FAMILY, subcommand: 'info', options: [MODEL] },
  async run(use) {
    const { options, services, say } = use;
    const payer = await payerHere(use);
    const found = services.models.look(String(options['model']), await allowedHere(use), payer);
    if (found.kind === 'unknown') return whyNot(found, use, payer);
    const { model } = found;
    return lines(
      `**${quoted(model.name)}**`,
      `\`${model.id}\``,
      ...detailsOf(model, say).map((fact) => `- ${fact}`),
      ...[highestPrice(model, say), longestAnswer(model, say)].flatMap((fact) =>
        fact === null ? [] : `- ${fact}`,
      ),
      ...(found.kind === 'found' ? [] : ['', whyNot(found, use, payer)]),
    );
  },
};

/** Chooses the model that answers one's questions. */
export const modelUse: Command = {
  spec: { ...MODEL_FAMILY, subcommand: 'use', options: [MODEL] },
  async run(use) {
    const { invocation, options, services, say } = use;
    const payer = await payerHere(use);
    const found = services.models.look(String(options['model']), await allowedHere(use), payer);
    if (found.kind !== 'found') return whyNot(found, use, payer);
    const { id } = found.model;
    await services.preferences.change(invocation, { model: id });
    const { allowsFallback } = await services.preferences.of(invocation.author.id);
    return say({ key: allowsFallback ? 'model.chosen_first' : 'model.chosen', params: { model: id } });
  },
};

/** Leaves the choice to the bot again. */
export const modelReset: Command = {
  spec: { ...MODEL_FAMILY, subcommand: 'reset', options: [] },
  async run({ invocation, services, say }) {
    await services.preferences.change(invocation, { model: null });
    return say({ key: 'model.reset' });
  },
};

function longestAnswer({ maxCompletionTokens }: CatalogueModel, say: CommandUse['say']): string | null {
  return maxCompletionTokens === null
    ? null
    : say({ key: 'model.longest_answer', params: { tokens: maxCompletionTokens } });
}

const FREE_ONLY = {
  operator: 'model.free_only',
  guild: 'model.guild_pays',
  user: 'model.free_only',
} as const satisfies Record<Payer, string>;

/** Why a model can't be had. */
function whyNot(
  found: Exclude<ModelLookup, { kind: 'found' }>,
  { options, services, say }: CommandUse,
  payer: Payer,
): string {
  switch (found.kind) {
    case 'not_offered':
      return say({
        key: found.freeOnly ? FREE_ONLY[payer] : 'model.no_price',
        params: { model: found.model.id },
      });
    case 'not_allowed':
      return say({ key: 'model.not_allowed', params: { model: found.model.id } });
    case 'unknown': {
      if (!services.models.offersChoice(payer)) return say({ key: 'model.no_choice' });
      if (!services.models.hasList()) return say({ key: 'model.no_list' });
      const written = quoted(String(options['model']));
      const near = found.near.map((id) => `\`${id}\``).join(', ');
      return say({ key: 'model.unknown', params: { written, near } });
    }
  }
}
