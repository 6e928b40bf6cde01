import { useLayoutEffect, useRef } from 'preact/hooks';
import { onKey, setSetting, setting } from './browser.ts';

/** What single keys do: by the name of the key, with `shift+` before it where that matters. */
export type Keys = Readonly<Record<string, () => void>>;

interface Layer {
  readonly keys: () => Keys;
}

const layers: Layer[] = [];
let prefix = '';

/** Whether single keys do something: those who type with their voice switch them off. */
export function singleKeysAreOn(): boolean {
  return setting('keys') !== 'off';
}

export function setSingleKeys(areOn: boolean): void {
  setSetting('keys', areOn ? 'on' : 'off');
}

/** Hears keys while the component is on the page. The newest component that knows a key gets it. */
export function useKeys(keys: Keys): void {
  const newest = useRef(keys);
  newest.current = keys;
  // Before the page is painted: a key that follows at once is heard. Once: what is drawn anew is not newer than what came later.
  useLayoutEffect(() => {
    const layer = { keys: () => newest.current };
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  }, []);
}

/** Begins to hear. `go`: what `g` and a letter do. */
export function startKeys(go: Keys): void {
  onKey((event) => {
    const name = nameOf(event);
    if (name === null) return;
    const [wasPrefix, isPrefix] = [prefix === 'g', name === 'g'];
    prefix = isPrefix && !wasPrefix ? 'g' : '';
    const act = wasPrefix
      ? go[name]
      : layers.findLast(({ keys }) => keys()[name] !== undefined)?.keys()[name];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}

/** The name of a key that is meant for the page: not one that is typed, and not one of the browser. */
function nameOf(event: KeyboardEvent): string | null {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') return 'mod+k';
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  // A dialog has its own keys, which the browser knows.
  if (event.target instanceof Element && event.target.closest('dialog') !== null) return null;
  if (event.key === 'Escape') return 'Escape';
  if (isTyping(event.target) || !singleKeysAreOn()) return null;
  const isArrow = event.key.startsWith('Arrow');
  if (isArrow && isOwnOfControl(event.target)) return null;
  return isArrow && event.shiftKey ? `shift+${event.key}` : event.key;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select') !== null;
}

/** Tabs and lists use arrows themselves. */
function isOwnOfControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role=tablist]') !== null;
}
