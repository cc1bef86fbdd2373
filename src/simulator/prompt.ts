import { createHash } from 'node:crypto';
import { inputModalitiesOf, type SimulatedModel } from './catalogue.ts';
import { promptTokensOf } from './tokens.ts';
import { contentParts, type ChatMessage, type ChatRequest } from './validation.ts';

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
  return promptBlocks(request).reduce((sum, { tokens }) => sum + tokens, 0);
}

/** A piece of the prompt as the provider reads it: the tools, or one part of a message. */
export interface PromptBlock {
  /** All that the model reads of it, as text. */
  readonly content: string;
  readonly tokens: number;
  /** A breakpoint for the provider's cache follows it. */
  readonly endsCache: boolean;
}

/** The whole prompt in the order in which a provider reads it. */
export function promptBlocks(request: ChatRequest): readonly PromptBlock[] {
  const tools = request.tools === undefined ? [] : [JSON.stringify(request.tools)];
  return [
    ...tools.map((content) => ({ content, tokens: promptTokensOf(content), endsCache: false })),
    ...request.messages.flatMap((message) => messageBlocks(message)),
  ];
}

function messageBlocks(message: ChatMessage): readonly PromptBlock[] {
  const parts = [...contentParts([message])];
  if (parts.length === 0) return [{ content: message.role, tokens: tokensPerMessage, endsCache: false }];
  return parts.map(({ cache_control: control, ...part }, place) => ({
    content: `${message.role} ${JSON.stringify(part)}`,
    tokens:
      (place === 0 ? tokensPerMessage : 0) + (tokensPerPart[part.type] ?? promptTokensOf(part.text ?? '')),
    endsCache: control !== undefined && control !== null,
  }));
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
