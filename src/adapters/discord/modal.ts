import { ComponentType, TextInputStyle, type APIModalInteractionResponseCallbackData } from 'discord.js';
import type { Locale } from '../../i18n/translate.ts';
import { nameOf, type CommandOption, type CommandSpec } from '../../platform/command.ts';
import type { CommandWords } from './command-words.ts';

/** Options as written, by name. */
export type OptionTexts = Readonly<Record<string, string>>;

/** Whether an option is asked for in a modal where it was not given with the command. */
export function isAskedFor(spec: CommandSpec, option: CommandOption): boolean {
  return hasModal(spec) && textFields(spec).includes(option);
}

/** Whether a command asks for what was not given with it. */
const hasModal = ({ respond }: CommandSpec): boolean => respond === 'modal' || respond === 'privateModal';

/** Whether something is left to be asked for in a modal. */
export function needsModal(spec: CommandSpec, given: OptionTexts): boolean {
  return textFields(spec).some(({ name }) => given[name] === undefined);
}

/**
 * Asks for a command's texts (interactions/receiving-and-responding "Modal"). Those that were
 * given already stand in their fields; options of other kinds travel in the custom id.
 */
export function modalOf(
  spec: CommandSpec,
  given: OptionTexts,
  words: CommandWords,
  locale: Locale,
): APIModalInteractionResponseCallbackData {
  const fields = textFields(spec);
  const others = Object.entries(given).filter(([name]) => fields.every((field) => field.name !== name));
  const customId = `${PREFIX}${nameOf(spec)}?${new URLSearchParams(others).toString()}`;
  return {
    custom_id: customId.length <= LONGEST_ID ? customId : `${PREFIX}${nameOf(spec)}?`,
    title: shorten(words.describe(nameOf(spec).replace(' ', '.'), locale)),
    components: fields.map((option) => ({
      type: ComponentType.Label,
      label: shorten(words.describeOption(option.name, locale)),
      component: {
        type: ComponentType.TextInput,
        custom_id: option.name,
        style: option.greedy === true ? TextInputStyle.Paragraph : TextInputStyle.Short,
        required: option.required || option.isSecret === true,
        ...(given[option.name] !== undefined && { value: given[option.name] }),
      },
    })),
  };
}

/** The command, as people write it, and the options that a modal of ours holds, or null for one that is not ours. */
export function readModal(
  customId: string,
  fields: Iterable<readonly [string, string]>,
): { readonly command: string; readonly options: OptionTexts } | null {
  if (!customId.startsWith(PREFIX)) return null;
  const [command = '', query = ''] = customId.slice(PREFIX.length).split('?');
  // A field that was left empty is an option that was not given.
  const written = [...fields].filter(([, text]) => text !== '');
  return { command, options: Object.fromEntries([...new URLSearchParams(query), ...written]) };
}

const PREFIX = 'modal:';
const LONGEST_ID = 100;
/** Of a modal's title and of its labels. */
const LONGEST_LABEL = 45;
const MOST_FIELDS = 5;

/** Texts that people write themselves; one of a few choices is chosen with the command. */
function textFields({ options }: CommandSpec): CommandOption[] {
  return options
    .filter(({ kind, choices }) => kind === 'text' && choices === undefined)
    .slice(0, MOST_FIELDS);
}

function shorten(text: string): string {
  return text.length <= LONGEST_LABEL ? text : `${text.slice(0, LONGEST_LABEL - 1).toWellFormed()}…`;
}
