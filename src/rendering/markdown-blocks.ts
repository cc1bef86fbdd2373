import { asBlocks } from './markdown-lexer.ts';
import type { BlockToken, Token, Tokens } from './markdown-lexer.ts';
import { writeInlines } from './markdown-inline.ts';
import { writeTable } from './markdown-table.ts';
import type { Passage } from './passage.ts';
import { isBlank } from './rich-text.ts';
import type { Style } from './rich-text.ts';
import { createRichTextBuilder } from './rich-text-builder.ts';
import type { Place, RichTextBuilder } from './rich-text-builder.ts';

const RULE = '———';

/** Renders block tokens in order, as far apart as in the source, but with at most one blank line between. */
export function renderBlocks(tokens: readonly Token[]): Passage {
  const builder = createRichTextBuilder();
  writeBlocks(tokens, { styles: [], linePrefix: '' }, builder);
  return builder.finish();
}

function writeBlocks(tokens: readonly Token[], place: Place, builder: RichTextBuilder): void {
  for (const token of asBlocks(tokens)) {
    if (token.type === 'checkbox') continue;
    writeBlock(token, place, builder);
    builder.endLine(lineEndsAfter(token.raw));
  }
}

/** The line ends that the source puts between a block or item and the next. */
function lineEndsAfter(source: string): 1 | 2 {
  return /\n[ \t]*\n[ \t]*$/.test(source) ? 2 : 1;
}

function writeBlock(token: BlockToken, place: Place, builder: RichTextBuilder): void {
  switch (token.type) {
    case 'heading':
      return writeInlines(token.tokens, withStyle(place, { kind: 'bold' }), builder);
    case 'paragraph':
      return writeInlines(token.tokens, place, builder);
    case 'text':
      return writeInlines(token.tokens ?? [token], place, builder);
    case 'code':
      return writeCode(token, place, builder);
    case 'blockquote':
      return writeQuote(token, place, builder);
    case 'list':
      return writeList(token, place, builder);
    case 'table':
      return writeTable(token, place, builder);
    case 'hr':
      return builder.write(RULE, place);
    case 'space':
    case 'checkbox':
  }
}

/** Code stands on lines of its own without a prefix, so that it can be copied as it was written. */
function writeCode(token: Tokens.Code, place: Place, builder: RichTextBuilder): void {
  const code = token.text.replace(/^(?:[ \t]*\n)+/, '').trimEnd();
  if (isBlank(code)) return;
  const language = /^[\w+#.-]{1,32}/.exec(token.lang ?? '')?.[0];
  const style: Style = language === undefined ? { kind: 'pre' } : { kind: 'pre', language };
  builder.endLine(1);
  builder.write(code, withStyle({ ...place, linePrefix: '' }, style));
}

/** A quote within a quote is shown by its marker, because a quote span holds no other. */
function writeQuote(token: Tokens.Blockquote, place: Place, builder: RichTextBuilder): void {
  const isNested = place.styles.some((style) => style.kind === 'quote');
  builder.endLine(1);
  writeBlocks(
    token.tokens,
    isNested
      ? { ...place, linePrefix: `${place.linePrefix}> ` }
      : withStyle({ ...place, linePrefix: '' }, { kind: 'quote' }),
    builder,
  );
}

function writeList(list: Tokens.List, place: Place, builder: RichTextBuilder): void {
  const quoteOnly = place.styles.filter((style) => style.kind === 'quote');
  const numbers = list.ordered ? numbersOf(list) : [];
  for (const [index, item] of list.items.entries()) {
    const box = item.task ? [item.checked === true ? '☑' : '☐'] : [];
    const marker = list.ordered ? [numbers[index], ...box].join(' ') : (box[0] ?? '•');
    builder.write(`${marker} `, { ...place, styles: quoteOnly });
    writeBlocks(
      item.tokens,
      { ...place, linePrefix: place.linePrefix + ' '.repeat(marker.length + 1) },
      builder,
    );
    builder.endLine(lineEndsAfter(item.raw));
  }
}

/** The numbers as they were written, unless all items bear the same one, which asks for counting. */
function numbersOf(list: Tokens.List): string[] {
  const written = list.items.map((item) => /^\s*(\d+[.)])/.exec(item.raw)?.[1] ?? '');
  const [first = ''] = written;
  if (written.some((number) => number !== first)) return written;
  return written.map((number, index) => `${Number.parseInt(number, 10) + index}${number.slice(-1)}`);
}

function withStyle(place: Place, style: Style): Place {
  return { ...place, styles: [...place.styles, style] };
}
