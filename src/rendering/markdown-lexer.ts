import { Lexer } from 'marked';
import type { Token, Tokens } from 'marked';
import { BoundedTokenizer, PARAGRAPH } from './bounded-tokenizer.ts';

export type { Token, Tokens } from 'marked';

/** The tokens that may stand where blocks do; the other kinds of the parser are turned off. */
export type BlockToken =
  | Tokens.Blockquote
  | Tokens.Checkbox
  | Tokens.Code
  | Tokens.Heading
  | Tokens.Hr
  | Tokens.List
  | Tokens.Paragraph
  | Tokens.Space
  | Tokens.Table
  | Tokens.Text;

/** The tokens that may stand in a line of text. */
export type InlineToken =
  | Tokens.Br
  | Tokens.Checkbox
  | Tokens.Codespan
  | Tokens.Del
  | Tokens.Em
  | Tokens.Escape
  | Tokens.Image
  | Tokens.Link
  | Tokens.Strong
  | Tokens.Text;

/** Longest text in which one marker may pair with another; within it the parser may take the square of its length. */
const MAX_INLINE_RUN = 4_096;

/**
 * Splits Markdown into the block and inline tokens of GFM, with these differences, which keep each block independent of
 * the text around it and each word visible: raw HTML, `[label]: url` definitions and `[text][label]` references are
 * text; a line of `-` or `=` makes no heading; a single `~` is text; `$…$` and bare URLs are literal; a row with more
 * cells than its table ends the table; a line without `>` ends a quote.
 *
 * Takes any string; time is in proportion to the length, and to its square only for some hostile blocks, so the caller
 * bounds the length of a block. Never throws.
 */
export function lexMarkdown(source: string): BlockToken[] {
  const tokenizer = new BoundedTokenizer();
  const lexer = createLexer(tokenizer);
  const blocks = lexer.blockTokens(source);
  for (const run of lexer.inlineQueue) {
    for (const text of inlineRuns(run.src)) {
      tokenizer.startInlineRun();
      lexer.inlineTokens(text, run.tokens);
    }
  }
  return asBlocks(blocks);
}

/**
 * Length of the leading part of `source` that no further text can change: all top-level blocks but the last.
 * `source` must end in a line end, because half a line can still become a different block.
 */
export function finishedLength(source: string): number {
  const blocks = createLexer(new BoundedTokenizer()).blockTokens(source);
  const last = blocks.findLastIndex((block) => block.type !== 'space');
  return blocks.slice(0, Math.max(last, 0)).reduce((length, block) => length + block.raw.length, 0);
}

/** Tells the type checker what the parser's own types leave open. */
export function asBlocks(tokens: readonly Token[]): BlockToken[] {
  return tokens as BlockToken[];
}

/** Tells the type checker what the parser's own types leave open. */
export function asInlines(tokens: readonly Token[]): InlineToken[] {
  return tokens as InlineToken[];
}

/** The text of a paragraph, heading or cell, in pieces that end at a line or word if it is very long. */
function inlineRuns(text: string): string[] {
  const runs: string[] = [];
  for (let start = 0; start < text.length;) {
    const window = text.slice(start, start + MAX_INLINE_RUN);
    const isLast = start + window.length === text.length;
    const run = isLast ? window : (/^[^]*[\n ]/.exec(window)?.[0] ?? window.replace(/[\ud800-\udbff]$/, ''));
    runs.push(run);
    start += run.length;
  }
  return runs;
}

function createLexer(tokenizer: BoundedTokenizer): Lexer {
  const lexer = new Lexer({ gfm: true, tokenizer });
  tokenizer.rules = { ...tokenizer.rules, block: { ...tokenizer.rules.block, paragraph: PARAGRAPH } };
  return lexer;
}
