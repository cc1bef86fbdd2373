import { componentProblems, placedComponents } from './components.ts';
import type { AllowedMentions } from './mentions.ts';
import { invalidField, invalidForm, refusal } from './refusal.ts';
import type { Problem } from './refusal.ts';
import type { SnowflakeSource } from './snowflake.ts';
import type { StoredFile, StoredMessage, Wire } from './world.ts';

/** Message flags (resources/message). */
export const messageFlags = {
  suppressEmbeds: 1 << 2,
  hasThread: 1 << 5,
  ephemeral: 1 << 6,
  loading: 1 << 7,
  suppressNotifications: 1 << 12,
  voice: 1 << 13,
  componentsV2: 1 << 15,
} as const;

/** What a request says about a message. Its shape was checked against the description before. */
export interface MessageBody {
  readonly content?: string | null;
  readonly embeds?: readonly Wire[] | null;
  readonly components?: readonly Wire[] | null;
  readonly flags?: number | null;
  readonly allowed_mentions?: AllowedMentions | null;
  readonly attachments?: readonly AttachmentBody[] | null;
}

interface AttachmentBody {
  readonly id: string;
  readonly filename?: string | null;
  readonly description?: string | null;
}

/** A file of a multipart body; `index` is the n of `files[n]`. */
export interface UploadedFile {
  readonly index: string;
  readonly name: string;
  readonly contentType: string;
  readonly content: Uint8Array;
  /** Of a voice message. */
  readonly voice?: { readonly durationSecs: number; readonly waveform: string };
}

/** The part of a message that an author writes. */
export type MessageContent = Pick<
  StoredMessage,
  'content' | 'embeds' | 'components' | 'attachments' | 'flags'
>;

const mostFiles = 10;
const largestFileBytes = 10 * 1024 * 1024;
const longestEmbeds = 6000;

/** Content of a new message. Refuses an empty one with 50006, wrong fields with 50035, files that are too large with 40005. */
export function createdContent(
  ids: SnowflakeSource,
  body: MessageBody,
  files: readonly UploadedFile[],
  settable: number = messageFlags.suppressEmbeds |
    messageFlags.suppressNotifications |
    messageFlags.componentsV2,
): MessageContent {
  return checked({
    content: (body.content ?? '').trim(),
    embeds: (body.embeds ?? []).map(placedEmbed),
    components: body.components ?? [],
    attachments: uploaded(ids, body, files),
    flags: (body.flags ?? 0) & settable,
  });
}

/**
 * Content of a message after an edit: fields that are not given stay, `null` empties one, `attachments` lists what is kept, and new files
 * are added. A message made of components (V2) cannot become a usual one again.
 */
export function editedContent(
  ids: SnowflakeSource,
  message: MessageContent,
  body: MessageBody,
  files: readonly UploadedFile[],
): MessageContent {
  const { attachments: listed, content, embeds, components } = body;
  const settable = messageFlags.suppressEmbeds | messageFlags.componentsV2;
  const asked = body.flags === undefined ? message.flags & settable : (body.flags ?? 0) & settable;
  const kept = message.attachments.filter(
    ({ id }) => listed === undefined || (listed ?? []).some((attachment) => attachment.id === id),
  );
  return checked({
    content: content === undefined ? message.content : (content ?? '').trim(),
    embeds: embeds === undefined ? message.embeds : (embeds ?? []).map(placedEmbed),
    components: components === undefined ? message.components : (components ?? []),
    attachments: [...kept, ...uploaded(ids, body, files)],
    flags: (message.flags & ~settable) | asked | (message.flags & messageFlags.componentsV2),
  });
}

function checked(content: MessageContent): MessageContent {
  const isV2 = (content.flags & messageFlags.componentsV2) !== 0;
  const problems = [
    ...(isV2 ? legacyFieldProblems(content) : []),
    ...embedProblems(content.embeds),
    ...componentProblems(content.components, isV2),
  ];
  if (problems.length > 0) throw invalidForm(problems);
  const parts = [content.embeds, content.components, content.attachments];
  if (content.content === '' && parts.every(({ length }) => length === 0)) throw refusal('emptyMessage');
  return { ...content, components: placedComponents(content.components) };
}

function legacyFieldProblems({ content, embeds }: MessageContent): Problem[] {
  const used = [...(content === '' ? [] : ['content']), ...(embeds.length === 0 ? [] : ['embeds'])];
  return used.map((name) => ({
    path: [name],
    code: 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2',
    message: `The '${name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`,
  }));
}

function embedProblems(embeds: readonly Wire[]): Problem[] {
  const problems: Problem[] = embeds.flatMap((embed, index) =>
    fieldsOf(embed).flatMap((field, at) =>
      ['name', 'value']
        .filter((name) => String(field[name]).trim() === '')
        .map((name) => ({
          path: ['embeds', index, 'fields', at, name],
          code: 'BASE_TYPE_REQUIRED',
          message: 'This field is required',
        })),
    ),
  );
  const length = embeds.reduce((sum, embed) => sum + embedLength(embed), 0);
  if (length <= longestEmbeds) return problems;
  const message = `Embed size exceeds maximum size of ${longestEmbeds}`;
  return [...problems, { path: ['embeds'], code: 'MAX_EMBED_SIZE_EXCEEDED', message }];
}

/** Characters of an embed that count towards the 6000 of a message (resources/message "Embed Limits"). */
function embedLength(embed: Wire): number {
  const { author, footer } = embed as { author?: Wire; footer?: Wire };
  const texts = [embed['title'], embed['description'], author?.['name'], footer?.['text']];
  const fields = fieldsOf(embed).flatMap((field) => [field['name'], field['value']]);
  return [...texts, ...fields].reduce<number>(
    (sum, text) => sum + (typeof text === 'string' ? text.length : 0),
    0,
  );
}

function fieldsOf(embed: Wire): readonly Wire[] {
  return (embed['fields'] as readonly Wire[] | undefined) ?? [];
}

/** An embed as the API gives it back. */
function placedEmbed(embed: Wire): Wire {
  const given = Object.entries(embed).filter(([, value]) => value !== null && value !== undefined);
  const fields = fieldsOf(embed).map((field) => ({ ...field, inline: field['inline'] ?? false }));
  return { ...Object.fromEntries(given), type: 'rich', ...(fields.length === 0 ? {} : { fields }) };
}

function uploaded(
  ids: SnowflakeSource,
  { attachments }: MessageBody,
  files: readonly UploadedFile[],
): readonly StoredFile[] {
  if (files.length > mostFiles) {
    throw invalidField('attachments', 'BASE_TYPE_MAX_LENGTH', `Must be ${mostFiles} or fewer in length.`);
  }
  if (files.some(({ content }) => content.length > largestFileBytes)) throw refusal('tooLarge');
  return files.map(({ index, name, contentType, content, voice }) => {
    const listed = attachments?.find(({ id }) => id === index);
    return {
      id: ids.next(),
      name: cleanName(listed?.filename ?? name),
      contentType,
      content,
      description: listed?.description ?? undefined,
      voice,
    };
  });
}

/** Discord keeps letters, digits, dots, dashes and underscores of a file's name. */
function cleanName(name: string): string {
  return name.replaceAll(/[^\w.-]/g, '_');
}
