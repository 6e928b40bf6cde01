import { computed, signal } from '@preact/signals';
import { every, steady, takeToken } from './browser.ts';

/** The secret of the server; null: it wants none. */
export const token = takeToken();

/** After this long without an answer what is shown is called old. */
const staleMs = 20_000;

interface Heard {
  readonly at: number;
  readonly seq: number;
  /** On the clock of this computer. */
  readonly when: number;
}

const last = signal<Heard | null>(null);
const tick = signal(steady());
const failures = signal(0);

/** A server has answered: the clock of the store, and the newest entry. */
export function heard(at: number | null, seq: number | null): void {
  failures.value = 0;
  const { value } = last;
  last.value = { at: at ?? present.peek(), seq: seq ?? value?.seq ?? 0, when: steady() };
  tick.value = steady();
}

/** A server could not be reached. */
export function missed(): void {
  failures.value += 1;
}

/** The clock of the store, as far as this page can know. It stands still while nothing is heard. */
export const present = computed(() => {
  const { value } = last;
  if (value === null) return 0;
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
  if (silentSeconds.value * 1000 >= staleMs) return 'stale';
  return failures.value > 1 ? 'lost' : 'live';
});

/** Lets the clock run. */
export function startClock(): () => void {
  return every(500, () => {
    tick.value = steady();
  });
}
