import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { renderRows } from '../../../../src/adapters/terminal/render.ts';
import { createLiveScreen, createPlainScreen, PROMPT } from '../../../../src/adapters/terminal/screen.ts';
import { createFakeTerminal } from './fake-terminal.ts';

const COLUMNS = 24;

/** A person at a fake terminal, and the screen under test. */
function sitDown() {
  const terminal = createFakeTerminal(COLUMNS);
  const keyboard = new PassThrough();
  const lines = createInterface({
    input: keyboard,
    output: terminal.output,
    terminal: true,
    prompt: PROMPT,
    historySize: 0,
  });
  const screen = createLiveScreen(terminal.output);
  screen.invite(lines);
  return {
    screen,
    terminal,
    /** Each key is handled before this returns. */
    type: (keys: string) => Array.from(keys).forEach((key) => keyboard.emit('data', Buffer.from(key))),
    /** All at once, which readline does not break into rows. */
    paste: (text: string) => void keyboard.emit('data', Buffer.from(text)),
    leave: () => {
      lines.close();
      screen.dismiss();
    },
  };
}

/** Rows as the terminal itself breaks a line. */
function broken(line: string): string[] {
  const rows = line.match(new RegExp(`.{1,${COLUMNS}}`, 'gsu')) ?? [''];
  return rows.map((row) => row.trimEnd());
}

const plainRows = (markdown: string) => renderRows(markdown, { columns: COLUMNS, isStyled: false });
const word = fc.stringMatching(/^[a-z]{1,9}$/u);
const prose = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
const event = fc.oneof(
  fc.record({
    kind: fc.constant('type' as const),
    text: fc.oneof(prose, fc.stringMatching(/^[a-z]{1,60}$/u)),
  }),
  fc.record({ kind: fc.constant('enter' as const) }),
  fc.record({ kind: fc.constant('say' as const), text: prose }),
  fc.record({ kind: fc.constant('grow' as const), text: fc.oneof(prose, fc.constant('')) }),
);

it('keeps what was said, what grows and what is typed apart and whole, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 25 }), (events) => {
      const { screen, terminal, type, leave } = sitDown();
      const staying: string[] = [];
      let growing: readonly string[] = [];
      let typed = '';
      for (const happening of events) {
        if (happening.kind === 'type') {
          typed += happening.text;
          type(happening.text);
        } else if (happening.kind === 'enter') {
          staying.push(...broken(PROMPT + typed), ...(typed === '' ? [] : ['']));
          typed = '';
          type('\r');
        } else if (happening.kind === 'say') {
          staying.push(...plainRows(happening.text), '');
          screen.say(`${happening.text}\n\n`);
        } else {
          const rows = plainRows(happening.text);
          growing = rows.length === 0 ? [] : [...rows, ''];
          screen.grow(happening.text);
        }
        const input = broken(PROMPT + typed);
        const shown = [...terminal.rows()];
        while (shown.length > staying.length + growing.length + input.length && shown.at(-1) === '')
          shown.pop();
        expect(shown).toEqual([...staying, ...growing, ...input]);
      }
      leave();
    }),
    { numRuns: 200 },
  );
});

it('keeps pasted text whole that the terminal broke into rows', () => {
  const { screen, terminal, paste } = sitDown();
  screen.grow('An answer');
  paste('a text of more than one row of this terminal');
  screen.grow('An answer that grows');
  screen.grow('An answer that grows and grows');
  expect(terminal.rows()).toEqual([
    'An answer that grows and',
    'grows',
    '',
    '› a text of more than on',
    'e row of this terminal',
  ]);
});

it('takes the prompt away when the person leaves, and shows the rest of the answer', () => {
  const { screen, terminal, type, leave } = sitDown();
  type('half a question');
  screen.grow('An answer');
  leave();
  screen.grow('');
  screen.say('An answer, whole.\n\n');
  expect(terminal.rows()).toEqual(['An answer, whole.', '', '']);
});

it('shows Markdown by styles and breaks it between words', () => {
  const rows = renderRows('# Title\n\nSome **bold words** and `code`', { columns: 12, isStyled: true });
  expect(rows).toEqual([
    '\u001b[1mTitle\u001b[0m',
    '',
    'Some \u001b[1mbold\u001b[0m',
    '\u001b[1mwords\u001b[0m and',
    '\u001b[36mcode\u001b[0m',
  ]);
});

it('breaks what has no blank anywhere, and wide characters by their width', () => {
  expect(renderRows('abcdefgh', { columns: 3, isStyled: false })).toEqual(['abc', 'def', 'gh']);
  expect(renderRows('日本語', { columns: 4, isStyled: false })).toEqual(['日本', '語']);
});

it('gives a model no way to act on the terminal, with or without a person at it', () => {
  const hostile = 'a\u001b[2Jb\u001b]0;title\u0007c\u009b5Ad\re\n\n';
  const { screen, terminal } = sitDown();
  screen.say(hostile);
  expect(terminal.rows()[0]).toBe('a[2Jb]0;titlec5Ade');
  let printed = '';
  const output = new PassThrough().setEncoding('utf8').on('data', (text: string) => (printed += text));
  createPlainScreen(output).say(hostile);
  output.end();
  output.read();
  expect(printed).toBe('a[2Jb]0;titlec5Ade\n\n');
});
