import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { columnsOf } from '../../../../src/rendering/markdown-table.ts';

/** As much of a terminal as the program uses: rows that wrap, a cursor that goes up and back, and erasing below it. */
export interface FakeTerminal {
  readonly output: WriteStream;
  /** Everything that is or was on the screen, without blanks at the end. */
  rows(): readonly string[];
}

/** It is tall enough that nothing scrolls away. A sequence that it does not know is a mistake and throws. */
export function createFakeTerminal(columns: number): FakeTerminal {
  let cells: string[][] = [[]];
  let row = 0;
  let column = 0;

  /** The cell behind the last one is where the cursor waits before it wraps. */
  function put(character: string): void {
    const width = columnsOf(character);
    if (column + width > columns) goTo(row + 1, 0);
    const line = (cells[row] ??= []);
    while (line.length < column) line.push(' ');
    line.splice(column, width, character, ...(width === 2 ? [''] : []));
    column += width;
  }

  function goTo(nextRow: number, nextColumn: number): void {
    row = Math.max(0, nextRow);
    column = Math.max(0, nextColumn);
    while (cells.length <= row) cells.push([]);
  }

  function obey(count: number, final: string): void {
    const steps = Math.max(1, count);
    if (final === 'A') goTo(row - steps, column);
    else if (final === 'B') goTo(row + steps, column);
    else if (final === 'C') goTo(row, Math.min(column + steps, columns - 1));
    else if (final === 'D') goTo(row, column - steps);
    else if (final === 'G') goTo(row, steps - 1);
    else if (final === 'J' && count === 0)
      cells = [...cells.slice(0, row), (cells[row] ?? []).slice(0, column)];
    else if (final === 'K' && count === 0) cells[row] = (cells[row] ?? []).slice(0, column);
    else if (final !== 'm') throw new Error(`the sequence ${count}${final} is not known`);
  }

  const output = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      // eslint-disable-next-line no-control-regex
      for (const [token, parameters, final] of text.matchAll(/\u001b\[([\d;]*)([A-Za-z])|[\s\S]/gu)) {
        if (final !== undefined) obey(Number.parseInt(parameters || '0', 10), final);
        else if (token === '\n') goTo(row + 1, 0);
        else if (token === '\r') goTo(row, 0);
        else put(token);
      }
      done();
    },
  });
  return {
    output: Object.assign(output, { columns, rows: 1000, hasColors: () => true }) as unknown as WriteStream,
    rows: () => cells.map((line) => line.join('').trimEnd()),
  };
}
