import type { IncomingMessage } from 'node:http';
import { parseMultipart } from './multipart.ts';
import type { UploadedFile } from './multipart.ts';
import { badRequest } from './refusal.ts';
import { parameterType, requiredParameters, violations } from './specification.ts';

/** A request's parameters as they came, before their types are known. */
export interface RawParams {
  readonly values: Record<string, unknown>;
  readonly files: Map<string, UploadedFile>;
}

/**
 * Reads parameters from the four places the Bot API accepts: the query string, a JSON body, an urlencoded body and a multipart
 * body. Refuses a body that does not parse with 400.
 */
export function readParams(request: IncomingMessage, query: URLSearchParams, body: Buffer): RawParams {
  const values: Record<string, unknown> = Object.fromEntries(query);
  const contentType = request.headers['content-type'] ?? '';
  if (body.length === 0) return { values, files: new Map() };
  if (/^application\/json/i.test(contentType)) {
    return { values: { ...values, ...jsonObject(body.toString('utf8')) }, files: new Map() };
  }
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) {
    const form = new URLSearchParams(body.toString('utf8'));
    return { values: { ...values, ...Object.fromEntries(form) }, files: new Map() };
  }
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary !== undefined) {
    const { fields, files } = parseMultipart(body, boundary);
    // A file part may also be named after its parameter, without a field that points to it.
    const named = [...files.keys()].map((name) => [name, `attach://${name}`] as const);
    const pointed = new Set(Object.values(fields));
    const direct = named.filter(([, reference]) => ![...pointed].some((text) => text.includes(reference)));
    return { values: { ...values, ...Object.fromEntries(direct), ...fields }, files };
  }
  return { values, files: new Map() };
}

/**
 * Gives every parameter the type the Bot API documents for it: numbers and booleans may come as text, objects and lists as JSON text.
 * Refuses missing and mistyped parameters with 400. It also refuses unknown ones, which the real server ignores silently: a
 * parameter nobody reads is a mistake a test should see.
 */
export function typedParams(method: string, raw: RawParams): Record<string, unknown> {
  const typed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw.values)) {
    const type = parameterType(method, name);
    if (type === undefined) throw badRequest(`simulator: ${method} has no parameter "${name}"`);
    if (value === null || value === undefined) continue;
    const converted = convert(type, value, name);
    const found = violations(type, converted, name);
    if (found.length > 0) throw badRequest(`simulator: wrong parameter of ${method}: ${found.join(', ')}`);
    typed[name] = converted;
  }
  for (const name of requiredParameters(method)) {
    if (typed[name] === undefined) throw badRequest(missingTexts[name] ?? `parameter "${name}" is required`);
  }
  return typed;
}

const missingTexts: Readonly<Record<string, string>> = {
  chat_id: 'chat_id is empty',
  text: 'message text is empty',
  message_id: 'message identifier is not specified',
};

function convert(type: string, value: unknown, name: string): unknown {
  const alternatives = type.split('|');
  if (typeof value !== 'string') {
    return typeof value === 'number' && alternatives[0] === 'String' ? String(value) : value;
  }
  if (alternatives.includes('Integer') && /^-?\d{1,16}$/.test(value.trim())) return Number(value);
  if (alternatives.includes('Float') && value.trim() !== '' && Number.isFinite(Number(value)))
    return Number(value);
  if (alternatives.includes('String') || alternatives.includes('InputFile')) return value;
  if (alternatives.includes('Boolean')) return booleans.get(value.trim().toLowerCase()) ?? value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    throw badRequest(`can't parse ${name} JSON object`);
  }
}

const booleans = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
]);

function jsonObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
  } catch {
    throw badRequest("can't parse request JSON object");
  }
  throw badRequest("can't parse request JSON object");
}
