import type { Check } from '../measures/check.ts';

/** The figures of a suite, split into parts for tables. */
export interface Parts {
  /** Figures that belong to no table. */
  readonly single: Figures;
  /** Figures of tables, one row each. The first table is that of the suite itself and of every peer. */
  readonly tables: readonly Readonly<Record<string, Figures | null>>[];
  /** The facts about a row. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Figures by name. */
export type Figures = Readonly<Record<string, number | null>>;

/** Splits figures into parts: rows of peers join those of the suite, every other group becomes a table. */
export function partsOf(figures: object): Parts {
  const single: Record<string, number | null> = {};
  const first: Record<string, Figures | null> = {};
  const others: Record<string, Figures | null>[] = [];
  const facts: Record<string, string> = {};
  for (const [name, value] of Object.entries(figures)) {
    if (typeof value === 'number' || value === null) single[name] = value;
    else if (!isObject(value)) continue;
    else if (Object.values(value).every((text) => typeof text === 'string')) Object.assign(facts, value);
    else if (!isGroup(value)) addRow(first, facts, name, value);
    else {
      const rows = name === 'peers' ? first : {};
      for (const [inner, row] of Object.entries(value)) addRow(rows, facts, inner, row);
      if (rows !== first) others.push(rows);
    }
  }
  const hasRow = (rows: Record<string, Figures | null>) => Object.values(rows).some((row) => row !== null);
  return { single, tables: [first, ...others].filter(hasRow), facts };
}

function addRow(
  rows: Record<string, Figures | null>,
  facts: Record<string, string>,
  name: string,
  value: unknown,
): void {
  if (!isObject(value)) {
    rows[name] = null;
    return;
  }
  const numbers = Object.entries(value).filter(([, figure]) => typeof figure !== 'string');
  const texts = Object.entries(value).filter(([, text]) => typeof text === 'string');
  if (numbers.length > 0) rows[name] = Object.fromEntries(numbers);
  if (texts.length > 0) facts[name] = texts.map(([key, text]) => label(key, text)).join('; ');
}

/** Returns whether it is a group of rows, not one row: each of its values is a row, or null in place of one. */
function isGroup(value: object): boolean {
  return Object.values(value).every((row) => row === null || isObject(row));
}

/** Rounds a figure to its significant digits. */
export function rounded(figure: number): number {
  return Math.abs(figure) >= 100 ? Math.round(figure) : Number(figure.toPrecision(3));
}

/** The same as text, with separated thousands. */
export function shown(figure: number | null | undefined): string {
  if (figure === null || figure === undefined) return '–';
  return Math.abs(figure) >= 1_000 ? rounded(figure).toLocaleString('en-US') : String(rounded(figure));
}

/** The bound of a figure as text. */
export function boundText({ atLeast, atMost }: Check): string {
  if (atLeast !== undefined && atMost !== undefined) return `${shown(atLeast)} to ${shown(atMost)}`;
  return atLeast === undefined ? `≤ ${shown(atMost)}` : `≥ ${shown(atLeast)}`;
}

function label(key: string, text: string): string {
  return key === 'fsync' ? `fsync: ${text}` : text;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
