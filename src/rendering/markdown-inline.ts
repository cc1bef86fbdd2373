import { decodeCharacterReferences } from './character-reference.ts';
import { readLinkTarget, showsDestination } from './link-target.ts';
import { asInlines } from './markdown-lexer.ts';
import type { InlineToken, Token, Tokens } from './markdown-lexer.ts';
import type { Style } from './rich-text.ts';
import { createRichTextBuilder } from './rich-text-builder.ts';
import type { Place, RichTextBuilder } from './rich-text-builder.ts';
import { visibleText } from './visible-text.ts';

/** Writes the inline tokens of a paragraph, heading or cell. A line end in the source is a line end in the text. */
export function writeInlines(tokens: readonly Token[], place: Place, builder: RichTextBuilder): void {
  for (const token of asInlines(tokens)) writeInline(token, place, builder);
}

/** The words of inline tokens without their styles. */
export function plainText(tokens: readonly Token[]): string {
  const builder = createRichTextBuilder();
  writeInlines(tokens, { styles: [], linePrefix: '' }, builder);
  return builder.finish().richText.text;
}

function writeInline(token: InlineToken, place: Place, builder: RichTextBuilder): void {
  switch (token.type) {
    case 'strong':
      return writeInlines(token.tokens, within(place, { kind: 'bold' }), builder);
    case 'em':
      return writeInlines(token.tokens, within(place, { kind: 'italic' }), builder);
    case 'del':
      return writeInlines(token.tokens, within(place, { kind: 'strikethrough' }), builder);
    case 'codespan':
      return builder.write(token.text, within(place, { kind: 'code' }));
    case 'link':
    case 'image':
      return writeLink(token, place, builder);
    case 'br':
      return builder.endLine(1);
    case 'escape':
      return builder.write(token.text, place);
    case 'text':
      return writeLines(visibleText(decodeCharacterReferences(token.text)), place, builder);
    case 'checkbox':
  }
}

/** An image is a link to it, never loaded. A link within a link, or to a place that is not allowed, is its text alone. */
function writeLink(token: Tokens.Link | Tokens.Image, place: Place, builder: RichTextBuilder): void {
  const isNested = place.styles.some((style) => style.kind === 'link');
  const isLiteral = token.type === 'link' && token.autolink === true;
  const target = isNested
    ? undefined
    : readLinkTarget(isLiteral ? token.href : decodeCharacterReferences(token.href));
  if (target === undefined) return writeInlines(token.tokens, place, builder);
  const linked = within(place, { kind: 'link', url: target.url });
  const label = plainText(token.tokens);
  if (label === '') return builder.write(target.url, linked);
  writeInlines(token.tokens, linked, builder);
  if (!showsDestination(label, target.destination)) builder.write(` (${target.destination})`, place);
}

function writeLines(text: string, place: Place, builder: RichTextBuilder): void {
  for (const [index, line] of text.split('\n').entries()) {
    if (index > 0) builder.endLine(1);
    builder.write(line, place);
  }
}

function within(place: Place, style: Style): Place {
  return { ...place, styles: [...place.styles, style] };
}
