import type { IncomingMessage } from 'node:http';
import type { UploadedFile } from './content.ts';
import { invalidForm, refusal } from './refusal.ts';

/** What a request carries: its JSON, which stands in `payload_json` beside files. */
export interface RequestBody {
  readonly json: unknown;
  readonly files: readonly UploadedFile[];
}

/** Largest request (reference "Uploading Files"). */
const largestRequestBytes = 25 * 1024 * 1024;

export async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Reads JSON or multipart bytes. Refuses what is neither with 50035 or 50109, and too much with 40005. */
export async function parseBody(bytes: Buffer, contentType: string): Promise<RequestBody> {
  if (bytes.length > largestRequestBytes) throw refusal('tooLarge');
  if (bytes.length === 0) return { json: undefined, files: [] };
  if (/^application\/json\b/i.test(contentType)) return { json: jsonOf(bytes.toString('utf8')), files: [] };
  if (/^multipart\/form-data\b/i.test(contentType)) return await parseForm(bytes, contentType);
  const message = `Expected "Content-Type" header to be one of {'application/json', 'multipart/form-data'}.`;
  throw invalidForm([{ path: [], code: 'CONTENT_TYPE_INVALID', message }]);
}

async function parseForm(bytes: Buffer, contentType: string): Promise<RequestBody> {
  const form = await new Response(Uint8Array.from(bytes), { headers: { 'content-type': contentType } })
    .formData()
    .catch(() => undefined);
  if (form === undefined) throw refusal('invalidJson');
  const files: UploadedFile[] = [];
  for (const [field, part] of form) {
    const index = /^files\[(\d+)\]$/.exec(field)?.[1];
    if (index === undefined || typeof part === 'string') continue;
    const content = new Uint8Array(await part.arrayBuffer());
    const type = part.type === '' ? 'application/octet-stream' : part.type;
    files.push({ index, name: part.name, contentType: type, content });
  }
  const payload = form.get('payload_json');
  const text = payload instanceof File ? await payload.text() : payload;
  return { json: text === null ? undefined : jsonOf(text), files };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refusal('invalidJson');
  }
}
