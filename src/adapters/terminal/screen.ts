import type { Interface } from 'node:readline';
import type { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { finishedLength } from '../../rendering/markdown-lexer.ts';
import { visibleText } from '../../rendering/visible-text.ts';
import { faint, heightOf, renderRows, type Look } from './render.ts';

/** Where the conversation shows. What is said stays; below it stands the text that still grows. */
export interface Screen {
  /** Adds Markdown that stays, with a blank line below it where it ends in one. */
  say(markdown: string): void;
  /** Replaces the growing text; an empty one is none. */
  grow(markdown: string): void;
  /** The length of the leading part of a growing text that may be said already. */
  sayable(markdown: string): number;
  /** From now on a person types below everything else. */
  invite(lines: Interface): void;
  /** The person types no more. */
  dismiss(): void;
}

/** For a pipe or a file: Markdown as it was written, without what can't be seen. */
export function createPlainScreen(output: Writable): Screen {
  return {
    say: (markdown) => void output.write(visibleText(markdown)),
    grow: () => undefined,
    // Half a character is nothing yet.
    sayable: (markdown) => markdown.length - (/[\ud800-\udbff]$/u.test(markdown) ? 1 : 0),
    invite: () => undefined,
    dismiss: () => undefined,
  };
}

export const PROMPT = '› ';

/** A sign of work, until there is something to read. */
const WORKING = '…';

/** For a person: Markdown with styles, block by block, above a prompt that stays at the bottom. */
export function createLiveScreen(output: WriteStream): Screen {
  const look = (): Look => ({ columns: Math.max(20, output.columns), isStyled: output.hasColors() });
  let typing: Interface | null = null;
  let growing: readonly string[] = [];

  /** Draws everything anew from the growing text down, which stands `aboveRows` above the cursor's row. */
  function draw(staying: readonly string[], next: readonly string[], aboveRows: number): void {
    const text = [...staying, ...next].map((row) => `${row}\n`).join('');
    output.write(`${up(growing.length + aboveRows)}\r${CLEAR_BELOW}${text}`);
    growing = next;
    if (typing === null) return;
    output.write('\n'.repeat(believedRows(typing)));
    typing.prompt(true);
  }

  const typedRows = (): number => typing?.getCursorPos().rows ?? 0;

  return {
    say(markdown) {
      const gap = /\n[ \t]*\n\s*$/u.test(markdown) ? [''] : [];
      const rows = renderRows(markdown, look());
      if (rows.length > 0) draw([...rows, ...gap], growing, typedRows());
    },
    grow(markdown) {
      const rows = markdown === WORKING ? [faint(WORKING, look())] : renderRows(markdown, look());
      // What left the screen could not be taken back.
      const visible = rows.slice(-Math.max(1, output.rows - 3));
      draw([], visible.length === 0 ? [] : [...visible, ''], typedRows());
    },
    sayable: (markdown) => finishedLength(markdown.slice(0, markdown.lastIndexOf('\n') + 1)),
    invite(lines) {
      typing = lines;
      // What was typed moves up with the conversation; its text stays below it.
      lines.on('line', (line) => {
        const echo = PROMPT + line;
        draw([echo, ...(line.trim() === '' ? [] : [''])], growing, heightOf(echo, look().columns));
      });
      lines.prompt();
    },
    dismiss() {
      const rows = typedRows();
      typing = null;
      draw([], growing, rows);
    },
  };
}

/**
 * How far readline will go up before it draws its input. It keeps that to itself, and it is not always where the
 * cursor is: a row that the terminal broke by itself is not counted.
 */
function believedRows(lines: Interface & { readonly prevRows?: number }): number {
  return lines.prevRows ?? 0;
}

/** ECMA-48: Erase in Display, from the cursor to the end. */
const CLEAR_BELOW = '\u001b[J';

/** ECMA-48: Cursor Up. A parameter of 0 means 1. */
function up(rows: number): string {
  return rows === 0 ? '' : `\u001b[${rows}A`;
}
