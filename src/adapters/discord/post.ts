import { randomUUID } from 'node:crypto';
import { ButtonStyle, ComponentType, MessageFlags } from 'discord.js';
import type { Button, Look } from '../../delivery/parts.ts';
import { dataOf, type CommandButton } from '../../platform/command.ts';
import type { ReplyButton } from '../../platform/reply.ts';
import type { TurnId } from '../../platform/ids.ts';
import type { DiscordPart } from './render.ts';

/**
 * The body of a create or edit. Discord remembers nothing of `allowed_mentions`, so an edit that leaves them out would
 * ping. An empty list of components takes the buttons away. Previews would fetch what a model links to.
 */
export function messageBody({ part, buttons }: Look<DiscordPart>, turn: TurnId | null) {
  return {
    content: part.content,
    allowed_mentions: { parse: [], replied_user: false },
    components: rowOf(buttons, turn),
    flags: MessageFlags.SuppressEmbeds as number,
  };
}

/** A reply to the message, or a plain message where it is null or gone. */
export function referenceTo(messageId: string | null) {
  return messageId === null
    ? {}
    : { message_reference: { message_id: messageId, fail_if_not_exists: false } };
}

/** Nonces for the parts of one reply: the same for the same turn and part, so that a repeated create makes no second message. */
export function createNonces(turn: TurnId | null): (index: number) => string {
  const uuid = Buffer.from((turn ?? randomUUID()).replaceAll('-', ''), 'hex');
  // 22 characters of the turn, and at most 25 in all (resources/message "Create Message").
  return (index) => uuid.toString('base64url') + index.toString(36);
}

/** A message as Discord gives it back, as far as it is read here. */
export interface PostedMessage {
  readonly id: string;
  readonly content: string;
  readonly components?: readonly unknown[];
  readonly author: { readonly id: string };
  readonly message_reference?: { readonly message_id?: string };
}

/** Whether a message that a nonce has given back is the one that was sent, and not one of an earlier process. */
export function isAsSent(
  { content, components = [] }: PostedMessage,
  body: ReturnType<typeof messageBody>,
): boolean {
  return content === body.content.trim() && idsIn(components).join() === idsIn(body.components).join();
}

/** What the buttons among components do, in their order. */
function idsIn(components: readonly unknown[]): unknown[] {
  return components.flatMap((component) => {
    if (typeof component !== 'object' || component === null) return [];
    if ('components' in component && Array.isArray(component.components)) return idsIn(component.components);
    const [does] = ['custom_id', 'sku_id', 'url'].filter((name) => name in component);
    return does === undefined ? [] : [Reflect.get(component, does)];
  });
}

/** All of them fit into one row, which takes five. */
function rowOf(buttons: readonly Button[], turn: TurnId | null) {
  const components = buttons.flatMap((button) => toComponent(button, turn) ?? []);
  return components.length === 0 ? [] : [{ type: ComponentType.ActionRow, components }];
}

/** Null where it can't be shown. */
function toComponent(button: Button, turn: TurnId | null) {
  const type = ComponentType.Button;
  // What it sells is written on it by Discord (components/reference "Button").
  if ('sku' in button) return { type, style: ButtonStyle.Premium, sku_id: button.sku };
  if ('url' in button) return { type, style: ButtonStyle.Link, label: button.label, url: button.url };
  const id = customIdOf(button, turn);
  return id === null ? null : { type, style: ButtonStyle.Secondary, label: button.label, custom_id: id };
}

/** Null for a button that has no turn, or that would write more than Discord takes. */
function customIdOf(button: ReplyButton | CommandButton, turn: TurnId | null): string | null {
  if ('action' in button) return turn === null ? null : `${button.action}:${turn}`;
  const id = dataOf(button);
  return id.length > LONGEST_CUSTOM_ID ? null : id;
}

/** components/reference "Custom ID". */
const LONGEST_CUSTOM_ID = 100;
