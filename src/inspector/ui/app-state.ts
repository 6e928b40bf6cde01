import { computed, signal } from '@preact/signals';
import type { Hello } from '../protocol/hello.ts';
import {
  addressHash,
  onAddress,
  replaceAddressHash,
  setAddressHash,
  setSetting,
  setTheme,
  setting,
  systemIsDark,
} from './browser.ts';
import { addressFrom, type Route, routeOf } from './route.ts';

let shownHash = '';

/** What the address asks for. */
export const route = signal<Route>(routeOf(shownHash));

/** What the server said of itself; null: not yet. */
export const hello = signal<Hello | null>(null);

/** The entry whose moment pages ask for; null: the present; undefined: it is not known yet whether this store has a past. */
export const moment = computed<number | null | undefined>(() => {
  const { at } = route.value;
  if (at === null) return null;
  const { value } = hello;
  if (value === null) return undefined;
  return value.noPast === null ? at : null;
});

/** Whether the job of the page is shown at an earlier entry of its history, which it has without a past of the store as well. */
export const isJobInPast = signal(false);

/** Whether the page shows the past. */
export const isInPast = computed(
  () => route.value.at !== null && (moment.value !== null || isJobInPast.value),
);

/** The dialog that is open. */
export const dialog = signal<'goto' | 'keys' | null>(null);

/** One sentence for those who hear the page. */
export const announcement = signal('');

/** How many things need a person, as the overview counted last; null: it was not asked. */
export const attentionCount = signal<number | null>(null);

/** Reads the address, now and whenever it changes. The token must be out of it. */
export function followAddress(): void {
  const read = (): void => {
    const meant = addressFrom(shownHash, addressHash());
    if (meant !== addressHash()) replaceAddressHash(meant);
    shownHash = meant;
    route.value = routeOf(meant);
  };
  onAddress(read);
  read();
}

/** Goes to another page. `replace`: the way back does not lead here. */
export function go(hash: string, replace = false): void {
  setAddressHash(hash, replace);
}

const themes = { light: 'light', dark: 'dark' } as const;

/** Uses the theme that this person chose before. */
export function startTheme(): void {
  const chosen = setting('theme');
  setTheme(chosen === 'light' || chosen === 'dark' ? chosen : null);
}

/** The other theme: of the two, or away from what the system has. */
export function turnTheme(): void {
  const chosen = setting('theme') ?? (systemIsDark() ? 'dark' : 'light');
  const next = chosen === 'dark' ? themes.light : themes.dark;
  setSetting('theme', next);
  setTheme(next);
}
