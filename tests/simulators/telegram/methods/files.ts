import type { Message, MessageEntity } from '@grammyjs/types';
import { badRequest } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { captionText, cleanText } from '../text.ts';
import type { AttachmentKind, StoredFile } from '../world.ts';
import { writableChat } from './method.ts';
import type { Method, MethodRequest } from './method.ts';
import { deliver } from './sending.ts';
import type { SendParams } from './sending.ts';

/** Bot API limits in bytes: uploads 50 MB, photos 10 MB, downloads 20 MB. */
const longestUploadBytes = 50_000_000;
const longestPhotoBytes = 10_000_000;
const longestDownloadBytes = 20_000_000;

type FileParams = SendParams &
  Partial<Record<AttachmentKind, string>> & {
    caption?: string;
    parse_mode?: string;
    caption_entities?: MessageEntity[];
  };

/** The method that sends one kind of file, either uploaded or by the file_id of a former one. */
export function fileSender(kind: AttachmentKind): Method<FileParams> {
  return (simulation, params, request): Message => {
    const chat = writableChat(simulation, params.chat_id);
    const { caption, parse_mode: parseMode, caption_entities: entities } = params;
    const content = cleanText({ text: caption, parseMode, entities }, captionText);
    const file = sentFile(simulation, kind, params[kind] ?? '', request);
    return deliver(simulation, chat, params, { ...content, attachment: { kind, file } });
  };
}

interface MediaItem {
  type: 'photo' | 'document';
  media: string;
  caption?: string;
  parse_mode?: string;
  caption_entities?: MessageEntity[];
}

/** Sends 2-10 photos or documents as an album; each is a message of its own. */
export const sendMediaGroup: Method<SendParams & { media: MediaItem[] }> = (simulation, params, request) => {
  const chat = writableChat(simulation, params.chat_id);
  if (params.media.length < 2 || params.media.length > 10) {
    throw badRequest('media group must include 2-10 items');
  }
  const contents = params.media.map((item) => {
    const { caption, parse_mode: parseMode, caption_entities: entities } = item;
    const file = sentFile(simulation, item.type, item.media, request);
    return {
      ...cleanText({ text: caption, parseMode, entities }, captionText),
      attachment: { kind: item.type, file },
    };
  });
  const mediaGroupId = contents[0]?.attachment.file.uniqueId ?? '';
  return contents.map((content) => deliver(simulation, chat, params, { ...content, mediaGroupId }));
};

/** Bot API getFile: only up to 20 MB. */
export const getFile: Method<{ file_id: string }> = ({ files }, { file_id }) => {
  const file = files.byId(file_id);
  if (file === undefined) throw badRequest('wrong file_id or the file is temporarily unavailable');
  if (file.content.length > longestDownloadBytes) throw badRequest('file is too big');
  return {
    file_id: file.fileId,
    file_unique_id: file.uniqueId,
    file_size: file.content.length,
    file_path: file.path,
  };
};

function sentFile(
  simulation: Simulation,
  kind: AttachmentKind,
  reference: string,
  request: MethodRequest,
): StoredFile {
  if (!reference.startsWith('attach://')) {
    const known = simulation.files.byId(reference);
    // Fetching a file from the web is not played, so an address is refused as one that cannot be read.
    if (known === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
    return known;
  }
  const upload = request.files.get(reference.slice('attach://'.length));
  if (upload === undefined) throw badRequest(`there is no ${kind} in the request`);
  if (upload.content.length === 0) throw badRequest('file must be non-empty');
  const limit = kind === 'photo' ? longestPhotoBytes : longestUploadBytes;
  if (upload.content.length > limit) throw badRequest('file is too big');
  return simulation.files.add(`${kind}s`, {
    name: upload.name,
    mimeType: 'application/octet-stream',
    content: upload.content,
  });
}
