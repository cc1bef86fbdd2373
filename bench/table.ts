/** One line of a table: a label, then a cell for each column. */
export type Row = readonly [label: string, ...cells: readonly string[]];

/** A table in plain text: labels to the left, cells to the right, columns as wide as they have to be. */
export function formatTable(title: string, rows: readonly Row[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: Row): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [title, ...rows.map((row) => `  ${line(row)}`)].join('\n');
}
