import { Tokenizer } from 'marked';
import type { Tokens } from 'marked';
import { literalPrefix, textPrefix } from './literal-text.ts';

/** Quotes and lists inside each other; a deeper marker stays text. */
const MAX_BLOCK_DEPTH = 12;
/** Emphasis and strikethrough inside each other; a deeper marker stays text. */
const MAX_INLINE_DEPTH = 10;
/** A wider table costs columns × rows cells, however short its rows are, so it stays text. */
const MAX_TABLE_COLUMNS = 32;
/** Characters that openers without a closer may scan in one paragraph; later markers in it stay text. */
const INLINE_SCAN_BUDGET = 100_000;

/** What ends a paragraph or a table without a blank line: rule, heading, quote, fence, list (CommonMark 4.8, GFM 4.10). */
const INTERRUPTION = [
  / {0,3}(?:(?:-[\t ]*){3,}|(?:_[ \t]*){3,}|(?:\*[ \t]*){3,})(?:\n|$)/,
  / {0,3}#{1,6}(?:\s|$)/,
  / {0,3}>/,
  / {0,3}(?:`{3,}[^`\n]*(?:\n|$)|~~~)/,
  / {0,3}(?:[*+-]|1[.)])[ \t]+[^ \t\n]/,
]
  .map((rule) => rule.source)
  .join('|');
const AFTER_TABLE = new RegExp(`^(?:${INTERRUPTION}| {4}| {0,3}\\t)`);
/** A header row that is no list item or indented code, and a delimiter row. */
const TABLE_HEAD =
  /(?! {0,3}(?:[*+-]|\d{1,9}[.)])(?:[ \t]|\n)) {0,3}[^\s][^\n]*\n(?=[^\n]*[|:]) {0,3}(?:\| *)?:?-+:? *(?:\| *:?-+:? *)*(?:\| *)?(?:\n|$)/;
const TABLE_START = new RegExp(`^${TABLE_HEAD.source}`);

/** The parser's rule for a paragraph, but for looking at a table's head alone and not, at each line, at all its rows. */
export const PARAGRAPH = new RegExp(
  `^([^\\n]+(?:\\n(?!${INTERRUPTION}|${TABLE_HEAD.source}|[ \\t]+\\n)[^\\n]+)*)`,
);

/** The tokenizer of `marked`, bounded where hostile input makes it recurse or scan without end, and less permissive. */
export class BoundedTokenizer extends Tokenizer {
  private scanBudget = INLINE_SCAN_BUDGET;
  private blockDepth = 0;
  private inlineDepth = 0;

  /** To be called before each paragraph, heading or cell. */
  startInlineRun(): void {
    this.scanBudget = INLINE_SCAN_BUDGET;
  }

  override list(source: string): Tokens.List | undefined {
    return this.nestBlock(() => super.list(source));
  }

  /** Without lines that lack the marker: they take the square of the length, and a few of them make the parser throw. */
  override blockquote(source: string): Tokens.Blockquote | undefined {
    return this.nestBlock(() => super.blockquote(source.slice(0, quoteLength(source))));
  }

  override table(source: string): Tokens.Table | undefined {
    const length = tableLength(source);
    return length > 0 ? super.table(source.slice(0, length)) : undefined;
  }

  override emStrong(source: string, masked: string, before = ''): Tokens.Em | Tokens.Strong | undefined {
    if (!canOpenEmphasis(source, before)) return undefined;
    return this.nestInline(source, () => super.emStrong(source, masked, before));
  }

  override del(source: string, masked: string, before = ''): Tokens.Del | undefined {
    if (!/^~~[^\s~]/.test(source)) return undefined;
    return this.nestInline(source, () => super.del(source, masked, before));
  }

  override codespan(source: string): Tokens.Codespan | undefined {
    return source.startsWith('`') ? this.nestInline(source, () => super.codespan(source)) : undefined;
  }

  override escape(source: string): Tokens.Escape | undefined {
    const raw = literalPrefix(source);
    return raw === '' ? super.escape(source) : { type: 'escape', raw, text: raw };
  }

  /** Unlike the inherited rule it reads no address ahead, which takes the square of a long word's length. */
  override inlineText(source: string): Tokens.Text {
    const raw = textPrefix(source);
    return { type: 'text', raw, text: raw, escaped: false };
  }

  override html(): undefined {
    return undefined;
  }

  override tag(): undefined {
    return undefined;
  }

  override def(): undefined {
    return undefined;
  }

  override lheading(): undefined {
    return undefined;
  }

  override reflink(): undefined {
    return undefined;
  }

  override url(): undefined {
    return undefined;
  }

  private nestBlock<T>(tokenize: () => T): T | undefined {
    if (this.blockDepth >= MAX_BLOCK_DEPTH) return undefined;
    this.blockDepth += 1;
    try {
      return tokenize();
    } finally {
      this.blockDepth -= 1;
    }
  }

  private nestInline<T>(source: string, tokenize: () => T | undefined): T | undefined {
    if (this.inlineDepth >= MAX_INLINE_DEPTH || this.scanBudget <= 0) return undefined;
    this.inlineDepth += 1;
    try {
      const token = tokenize();
      if (token === undefined) this.scanBudget -= source.length;
      return token;
    } finally {
      this.inlineDepth -= 1;
    }
  }
}

/** Length of the lines at the start of `source` that bear the marker of a quote. */
function quoteLength(source: string): number {
  let end = 0;
  while (end < source.length && /^ {0,3}>/.test(source.slice(end, end + 4))) {
    const lineEnd = source.indexOf('\n', end);
    end = lineEnd < 0 ? source.length : lineEnd + 1;
  }
  return end;
}

/** Length of the table at the start of `source`, or 0. It ends at a blank line, another block or a row with surplus cells. */
function tableLength(source: string): number {
  const head = TABLE_START.exec(source);
  if (head === null) return 0;
  const columns = cellCount(source.slice(0, source.indexOf('\n')));
  if (columns > MAX_TABLE_COLUMNS) return 0;
  let end = head[0].length;
  while (end < source.length) {
    const lineEnd = source.indexOf('\n', end);
    const row = source.slice(end, lineEnd < 0 ? source.length : lineEnd);
    if (row.trim() === '' || cellCount(row) > columns || AFTER_TABLE.test(row)) break;
    end += row.length + 1;
  }
  return end;
}

/** Cells of a table row, whose pipes at either end are optional (GFM 4.10). */
function cellCount(row: string): number {
  const pipes = row.match(/\\.|\|/g)?.filter((match) => match === '|').length ?? 0;
  const cells = row.trim();
  return pipes + 1 - (cells.startsWith('|') ? 1 : 0) - (/(?<!\\)\|$/.test(cells) ? 1 : 0);
}

/** The cheap half of CommonMark's rules for an opener, so that snake_case and lone stars cost no scan. */
function canOpenEmphasis(source: string, before: string): boolean {
  if (source.startsWith('_')) return /^_+[^\s_]/.test(source) && !/[\p{L}\p{N}]/u.test(before);
  return /^\*+[^\s*]/.test(source);
}
