import { computed, signal } from '@preact/signals';
import { every, steady, takeToken } from './browser.ts';
import type { LineState } from './source/line.ts';

/** The secret of the server; null: it wants none. */
export const token = takeToken();

/** The clock runs so long without a word from the server. */
const staleMs = 20_000;

interface Heard {
  readonly at: number;
  readonly seq: number;
  /** On the clock of this computer. */
  readonly when: number;
}

const last = signal<Heard | null>(null);
const tick = signal(steady());

/** How the stream of this page stands. */
export const line = signal<LineState>('idle');

/** The clock of the store, and its newest entry. */
export function clockIs(at: number, seq: number): void {
  last.value = { at, seq, when: steady() };
  tick.value = steady();
}

/** An answer came: of now, or of a moment that is over, which does not turn the clock back. */
export function heard(at: number, seq: number): void {
  clockIs(Math.max(at, present.peek()), Math.max(seq, newestSeq.peek()));
}

/** The store is read without its process: it stays as it is. */
export const isClosed = signal(false);

/** The clock of the store, as far as this page can know. It stands still while nothing is heard, and that of a closed store always. */
export const present = computed(() => {
  const { value } = last;
  if (value === null) return 0;
  if (isClosed.value) return value.at;
  return value.at + Math.min(Math.max(0, tick.value - value.when), staleMs);
});

/** The moment in the past that the page shows; null: it shows the present. */
export const shownMoment = signal<{ readonly seq: number; readonly at: number } | null>(null);

/** Whether a moment is being read. */
export const isReadingPast = signal(false);

/** The instant that the page is of: that of its moment, or the clock of the store. */
export const now = computed(() => shownMoment.value?.at ?? present.value);

/** Seq of the newest entry that was heard of. */
export const newestSeq = computed(() => last.value?.seq ?? 0);

/** For how long nothing was heard, in whole seconds. */
export const silentSeconds = computed(() => {
  const { value } = last;
  return value === null ? 0 : Math.floor(Math.max(0, tick.value - value.when) / 1000);
});

export type Connection = 'live' | 'lost' | 'stale';

/** How well this page hears. */
export const connection = computed<Connection>(() => {
  if (line.value === 'stale') return 'stale';
  return line.value === 'lost' || (line.value === 'connecting' && last.value !== null) ? 'lost' : 'live';
});

/** Lets the clock run. */
export function startClock(): () => void {
  return every(500, () => {
    tick.value = steady();
  });
}
