import { useKeys } from '../keys.ts';

/** Steps from the moment of a page. Null: there is none further. */
export interface Steps {
  readonly first: (() => void) | null;
  readonly back: (() => void) | null;
  readonly forward: (() => void) | null;
  readonly last: (() => void) | null;
  readonly now: (() => void) | null;
}

/** What the keys of a time bar do. */
export interface Moves {
  /** So many entries on, or back. */
  readonly by: (count: number) => void;
  readonly first: () => void;
  readonly last: () => void;
  readonly now: () => void;
}

/** The keys that move the moment, on every page. */
export function useTimeKeys({ by, first, last, now }: Moves): void {
  useKeys({
    ArrowLeft: () => by(-1),
    ArrowRight: () => by(1),
    'shift+ArrowLeft': () => by(-10),
    'shift+ArrowRight': () => by(10),
    Home: first,
    End: last,
    L: now,
    Escape: now,
  });
}
