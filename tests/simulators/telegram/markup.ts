import type { InlineKeyboardMarkup } from '@grammyjs/types';
import { badRequest } from './refusal.ts';

const actionFields = [
  'url',
  'callback_data',
  'switch_inline_query',
  'switch_inline_query_current_chat',
  'pay',
  'web_app',
  'copy_text',
  'disabled',
] as const;

/** Checks an inline keyboard and drops empty rows; a keyboard without buttons is no keyboard. Refuses with 400. */
export function checkedKeyboard(markup: unknown): InlineKeyboardMarkup | undefined {
  if (typeof markup !== 'object' || markup === null || !('inline_keyboard' in markup)) return undefined;
  const rows = (markup as InlineKeyboardMarkup).inline_keyboard.filter((row) => row.length > 0);
  if (rows.length === 0) return undefined;
  const buttons = rows.flat();
  if (buttons.length > 100) throw badRequest('reply markup is too long');
  for (const button of buttons) checkButton(button as unknown as Record<string, unknown>);
  return { ...(markup as InlineKeyboardMarkup), inline_keyboard: rows };
}

function checkButton(button: Record<string, unknown>): void {
  if (typeof button['text'] !== 'string' || button['text'].trim() === '') {
    throw badRequest("can't parse inline keyboard button: Button text must be non-empty");
  }
  const actions = actionFields.filter((field) => button[field] !== undefined);
  if (actions.length !== 1) {
    throw badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
  }
  const data = button['callback_data'];
  if (typeof data !== 'string') return;
  const bytes = Buffer.byteLength(data);
  // Bot API InlineKeyboardButton: callback_data has 1-64 bytes.
  if (bytes < 1 || bytes > 64) throw badRequest('BUTTON_DATA_INVALID');
}
