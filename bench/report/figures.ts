/** The figures of a suite, cut into what a table can show. */
export interface Parts {
  /** Figures that stand alone. */
  readonly single: Readonly<Record<string, number | null>>;
  /** Figures that belong together: one row each, of the suite itself and of every peer. */
  readonly rows: Readonly<Record<string, Readonly<Record<string, number | null>> | null>>;
  /** What is to be said of a row. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Cuts figures into parts: those of peers and other groups become rows under their own names. */
export function partsOf(figures: object): Parts {
  const single: Record<string, number | null> = {};
  const rows: Record<string, Record<string, number | null> | null> = {};
  const facts: Record<string, string> = {};
  const add = (name: string, value: unknown) => {
    if (typeof value === 'number') single[name] = value;
    else if (!isObject(value)) rows[name] = null;
    else if (Object.values(value).every((text) => typeof text === 'string')) Object.assign(facts, value);
    else if (Object.values(value).some(isObject)) {
      for (const [inner, row] of Object.entries(value)) add(inner, row);
    } else {
      const numbers = numbersOf(value);
      if (Object.keys(numbers).length > 0) rows[name] = numbers;
      const texts = Object.entries(value).filter(([, text]) => typeof text === 'string');
      if (texts.length > 0) facts[name] = texts.map(([key, text]) => label(key, text)).join('; ');
    }
  };
  for (const [name, value] of Object.entries(figures)) {
    if (value === null) single[name] = null;
    else add(name, value);
  }
  return { single, rows, facts };
}

/** A figure without digits that mean nothing. */
export function rounded(figure: number): number {
  return Math.abs(figure) >= 100 ? Math.round(figure) : Number(figure.toPrecision(3));
}

/** The same as text, with thousands that can be read. */
export function shown(figure: number | null | undefined): string {
  if (figure === null || figure === undefined) return '–';
  return Math.abs(figure) >= 1_000 ? rounded(figure).toLocaleString('en-US') : String(rounded(figure));
}

function numbersOf(row: object): Record<string, number | null> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => typeof value !== 'string'));
}

function label(key: string, text: string): string {
  return key === 'fsync' ? `fsync: ${text}` : text;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
