/** A column of a table for people. */
export interface Column<Row> {
  readonly title: string;
  readonly isRight?: boolean;
  text(row: Row): string;
}

/** Lines of a table: a title line, then one line for each row. Columns are two spaces apart; numbers stand on the right. */
export function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ text }) => text(row))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => (line[at] ?? '').length)));
  return cells.map((line) =>
    line
      .map((cell, at) =>
        columns[at]?.isRight === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** A duration in a table: `350 ms`, `38.5 s`, `12 m`, `3 h`, `5 d`; `-` when it is not known. */
export function shortTime(ms: number | null): string {
  if (ms === null) return '-';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 100_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 6_000_000) return `${Math.round(ms / 60_000)} m`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

/** An instant in a table. */
export function instantText(at: number | null): string {
  return at === null ? '-' : new Date(at).toISOString();
}
