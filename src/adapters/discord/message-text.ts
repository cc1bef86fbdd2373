/** What a person wrote in a message, with the bot's name taken out. */
export interface WrittenText {
  readonly text: string;
  /** Whether a mention of the bot stood in it. */
  readonly mentionsBot: boolean;
}

/** How the ids of a message's mentions read; null where the name is not known. */
export interface MentionNames {
  /** The bot itself, or the role that is its own. */
  isBot(kind: '@' | '@&', id: string): boolean;
  user(id: string): string | null;
  role(id: string): string | null;
  channel(id: string): string | null;
}

/** `<@id>`, `<@!id>`, `<@&id>`, `<#id>` (reference "Message Formatting"). */
const MENTION = /<(@[!&]?|#)(\d{17,20})>/gu;

/**
 * Takes the bot's mention out of the text wherever it stands, gives those of others their names,
 * and drops characters that no store can keep.
 */
export function readText(content: string, names: MentionNames): WrittenText {
  let text = '';
  let end = 0;
  let mentionsBot = false;
  for (const match of content.matchAll(MENTION)) {
    const between = content.slice(end, match.index);
    const [whole, sign = '', id = ''] = match;
    end = match.index + whole.length;
    const isBot = sign !== '#' && names.isBot(sign === '@&' ? '@&' : '@', id);
    // A space before the bot's name goes with it; a comma behind it does where nothing stands before.
    text += mentionsBot && text.trim() === '' ? stripAddress(between) : between;
    if (isBot) text = text.replace(/[ \t]+$/u, '');
    else text += readable(sign, id, names) ?? whole;
    mentionsBot ||= isBot;
  }
  const rest = content.slice(end);
  text += mentionsBot && text.trim() === '' ? stripAddress(rest) : rest;
  return { text: text.replaceAll('\0', '').trim(), mentionsBot };
}

function stripAddress(text: string): string {
  return text.replace(/^[\s,:;]+/u, '');
}

function readable(sign: string, id: string, names: MentionNames): string | null {
  if (sign === '#') return prefixed('#', names.channel(id));
  return prefixed('@', sign === '@&' ? names.role(id) : names.user(id));
}

function prefixed(sign: string, name: string | null): string | null {
  return name === null ? null : sign + name;
}
