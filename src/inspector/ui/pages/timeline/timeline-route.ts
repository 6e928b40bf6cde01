import type { PageRoute } from '../../route.ts';

export const viewNames = ['log', 'sequence', 'lanes'] as const;

/** The ways to look at the journal. */
export type TimelineView = (typeof viewNames)[number];

/** What the address of the timeline says. */
export interface Timeline {
  readonly view: TimelineView;
  /** The filter as it was typed. */
  readonly words: string;
  /** Whether signs of life of dispatchers are in the log. */
  readonly withPings: boolean;
  readonly isFolded: boolean;
  readonly withNeighbours: boolean;
  /** How many entries lanes span, and the first or the last one of them; both null: the newest. */
  readonly length: number;
  readonly from: number | null;
  readonly to: number | null;
  /** The filter as it is asked. */
  readonly text: string;
  /** The job that the filter names; null: none. */
  readonly job: string | null;
}

const usualLength = 1000;

/** Reads the address of the timeline; anything at all is an answer. */
export function timelineOf(query: PageRoute['query']): Timeline {
  const words = query.q ?? '';
  const withPings = query.pings === '1';
  const length = Number(query.n);
  return {
    view: viewNames.find((name) => name === query.view) ?? 'log',
    words,
    withPings,
    isFolded: query.fold !== '0',
    withNeighbours: query.neighbours !== '0',
    length: Number.isSafeInteger(length) && length > 0 && length <= 20_000 ? length : usualLength,
    from: seqOf(query.from),
    to: seqOf(query.to),
    // A filter that asks for signs of life gets them.
    text: withPings || /\bping\b/.test(words) ? words : `${words} -event:ping`.trim(),
    job: /(?:^|\s)id:(\S+)/.exec(words)?.[1] ?? null,
  };
}

function seqOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** The address that says the same; what is usual is left out. */
export function timelineQuery(of: Omit<Timeline, 'text' | 'job'>): Record<string, string> {
  const query: Record<string, string> = { view: of.view };
  if (of.words !== '') query.q = of.words;
  if (of.withPings) query.pings = '1';
  if (!of.isFolded) query.fold = '0';
  if (!of.withNeighbours) query.neighbours = '0';
  if (of.length !== usualLength) query.n = String(of.length);
  if (of.from !== null) query.from = String(of.from);
  if (of.to !== null) query.to = String(of.to);
  return query;
}

const known = new Set(['kind', 'event', 'id', 'by', 'to', 'ending', 'task', 'queue']);

/** Words of a filter that mean nothing. */
export function unknownWords(words: string): readonly string[] {
  return words.split(/\s+/).filter((word) => {
    const colon = word.indexOf(':');
    return colon >= 0 && !known.has(word.slice(word.startsWith('-') ? 1 : 0, colon));
  });
}
