import { renderBlocks } from './markdown-blocks.ts';
import { finishedLength, lexMarkdown } from './markdown-lexer.ts';
import { EMPTY_PASSAGE, joinPassages } from './passage.ts';
import type { Passage } from './passage.ts';
import { isBlank } from './rich-text.ts';
import type { RichText } from './rich-text.ts';
import { visibleText } from './visible-text.ts';

/** Source looked at in one go, in UTF-16 units; it grows only while it holds no finished block. */
const WINDOW = 1_024;
/** A longer block that is not fenced code is rendered in pieces, each a whole number of lines. */
const MAX_BLOCK = 16_384;

export interface MarkdownStream {
  /** Adds the next piece of the answer; it may end anywhere, also within a surrogate pair. */
  append(delta: string): void;
  /** Everything so far as valid rich text; open emphasis and links are still shown as their markers. */
  current(): RichText;
}

/**
 * Renders a growing Markdown answer: finished top-level blocks once, only the last block anew for each `current()`.
 * After any deltas `current()` equals `renderMarkdown` of their concatenation. Never throws.
 */
export function createMarkdownStream(): MarkdownStream {
  let finished = EMPTY_PASSAGE;
  let tail = '';
  let halfPair = '';

  return {
    append(delta) {
      const text = halfPair + delta;
      halfPair = /[\ud800-\udbff]$/.exec(text)?.[0] ?? '';
      tail += visibleText(text);
    },
    current() {
      for (let length = nextFinished(tail); length > 0; length = nextFinished(tail)) {
        finished = joinPassages(finished, render(tail.slice(0, length)));
        tail = tail.slice(length);
      }
      const { richText } = joinPassages(finished, render(tail));
      return isBlank(richText.text) ? EMPTY_PASSAGE.richText : richText;
    },
  };
}

/** Length of a leading part of `source` that may be rendered for good; 0 if there is none yet. */
function nextFinished(source: string): number {
  for (let window = WINDOW; ; window *= 2) {
    const lines = source.slice(0, source.lastIndexOf('\n', window - 1) + 1);
    const length = finishedLength(lines);
    if (length > 0) return length;
    if (window >= source.length) return 0;
    if (window >= MAX_BLOCK && lines !== '' && !/^ {0,3}(?:```|~~~)/.test(source)) return lines.length;
  }
}

function render(source: string): Passage {
  return renderBlocks(lexMarkdown(source));
}
