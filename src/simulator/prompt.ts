import { createHash } from 'node:crypto';
import { inputModalitiesOf, type SimulatedModel } from './catalogue.ts';
import { promptTokensOf } from './tokens.ts';
import { contentParts, type ChatRequest } from './validation.ts';

const tokensPerMessage = 4;
const tokensPerPart: Readonly<Record<string, number>> = {
  image_url: 258,
  input_audio: 160,
  file: 500,
  video_url: 2000,
  input_video: 2000,
};

/** The simulator's count of the prompt: messages, parts that are no text, and tools. */
export function countPromptTokens(request: ChatRequest): number {
  let tokens = request.messages.length * tokensPerMessage;
  for (const { type, text } of contentParts(request.messages)) {
    tokens += tokensPerPart[type] ?? promptTokensOf(text ?? '');
  }
  if (request.tools !== undefined) tokens += promptTokensOf(JSON.stringify(request.tools));
  return tokens;
}

/** Whether a plugin works on this request: as the request says, else as the account's defaults say. */
export function pluginIsOn(request: ChatRequest, id: string, defaults: readonly string[]): boolean {
  const plugin = request.plugins?.find((candidate) => candidate.id === id);
  return plugin === undefined ? defaults.includes(id) : plugin.enabled !== false;
}

/** What the file parser does with the request's files: the pages it charges for and the annotations that spare them the next time. */
export function parseFiles(
  request: ChatRequest,
  model: SimulatedModel,
): { ocrPages: number; annotations: readonly object[] } {
  const files = [...contentParts(request.messages)].flatMap(({ file }) => (file === undefined ? [] : [file]));
  const engine = request.plugins?.find(({ id }) => id === 'file-parser')?.pdf?.engine;
  const native = inputModalitiesOf(model).includes('file') && (engine === undefined || engine === 'native');
  if (files.length === 0 || native) return { ocrPages: 0, annotations: [] };
  const parsed = request.messages.some(
    (message) =>
      message.role === 'assistant' && message.annotations?.some(({ type }) => type === 'file') === true,
  );
  const free = parsed || engine === 'cloudflare-ai' || engine === 'pdf-text';
  const annotations = files.map(({ filename, file_data: bytes }) => ({
    type: 'file',
    file: {
      hash: createHash('sha256')
        .update(bytes ?? '')
        .digest('hex'),
      name: filename ?? 'document.pdf',
      content: [{ type: 'text', text: `<file name="${filename ?? 'document.pdf'}">simulated text</file>` }],
    },
  }));
  return { ocrPages: free ? 0 : files.length, annotations };
}
