/* The only file of the pages that touches time, storage, the address and the clipboard. */

/** What a server answered. */
export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Asks the server that gave this page. Throws when it cannot be reached. */
export async function ask(path: string, token: string | null, withinMs: number): Promise<Reply> {
  const response = await fetch(addressOf(path), {
    headers: headersWith(token),
    cache: 'no-store',
    redirect: 'error',
    signal: AbortSignal.timeout(withinMs),
  });
  return { status: response.status, text: await response.text() };
}

/** What a stream brings. */
export interface StreamEars {
  line(text: string): void;
  /** It is over. `reply`: why the server did not open it; null: the line was cut, or closed. */
  end(reply: Reply | null): void;
}

/** Sends what is to be done. Throws when the server cannot be reached. */
export async function send(
  path: string,
  body: object,
  token: string | null,
  withinMs: number,
): Promise<Reply> {
  const request = posting(body, token, AbortSignal.timeout(withinMs));
  const response = await fetch(addressOf(path), { ...request, cache: 'no-store', redirect: 'error' });
  return { status: response.status, text: await response.text() };
}

/** A name that no other action has. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('');
}

function posting(body: object, token: string | null, signal: AbortSignal): RequestInit {
  const headers = headersWith(token);
  headers.set('content-type', 'application/json');
  headers.set('x-signalbox', '1');
  return { method: 'POST', body: JSON.stringify(body), headers, signal };
}

/** Opens a stream of lines. Returns what ends it. */
export function openStream(body: object, token: string | null, ears: StreamEars): () => void {
  const abort = new AbortController();
  const request = posting(body, token, abort.signal);
  void readLines(request, ears).then(ears.end, () => ears.end(null));
  return () => abort.abort();
}

async function readLines(request: RequestInit, { line }: StreamEars): Promise<Reply | null> {
  const response = await fetch(addressOf('stream'), { ...request, cache: 'no-store', redirect: 'error' });
  const { status, body } = response;
  if (status !== 200 || body === null) return { status, text: await response.text() };
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return null;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) line(text);
  }
}

function addressOf(path: string): URL {
  return new URL(`api/v1/${path}`, document.baseURI);
}

function headersWith(token: string | null): Headers {
  const headers = new Headers();
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  return headers;
}

/** A file that a person gave to the page. */
export interface GivenFile {
  readonly name: string;
  /** Null: it cannot be read, as a folder. */
  readonly text: string | null;
}

/** Reads files in this browser. */
export function readFiles(files: FileList | null | undefined): Promise<readonly GivenFile[]> {
  return Promise.all(
    [...(files ?? [])].map(async (file) => ({
      name: file.name,
      text: await file.text().catch(() => null),
    })),
  );
}

/** Whether what is dragged over the page are files. */
export function carriesFiles(dragged: DataTransfer | null): boolean {
  return dragged?.types.includes('Files') === true;
}

/** The token of this process: from the address, which then forgets it, or from before a reload. */
export function takeToken(): string | null {
  const [, given] = /^#t=([\w-]+)$/.exec(location.hash) ?? [];
  if (given === undefined) return kept(sessionStorage, 'signalbox.token');
  keep(sessionStorage, 'signalbox.token', given);
  history.replaceState(null, '', `${location.pathname}${location.search}#/`);
  return given;
}

/** A choice of this person, kept in this browser. */
export function setting(name: string): string | null {
  return kept(localStorage, `signalbox.${name}`);
}

export function setSetting(name: string, value: string): void {
  keep(localStorage, `signalbox.${name}`, value);
}

// A browser may refuse storage. The page then forgets, and works.
function kept(storage: Storage, key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function keep(storage: Storage, key: string, value: string): void {
  try {
    storage.setItem(key, value);
  } catch {
    // As above.
  }
}

/** The part of the address behind `#`. */
export function addressHash(): string {
  return location.hash;
}

/** Goes to another part of the address. `replace`: the way back does not lead here. */
export function setAddressHash(hash: string, replace = false): void {
  if (!replace) location.hash = hash;
  else {
    replaceAddressHash(hash);
    dispatchEvent(new HashChangeEvent('hashchange'));
  }
}

/** Writes the address anew; no one is called for it. */
export function replaceAddressHash(hash: string): void {
  history.replaceState(null, '', hash);
}

export function onAddress(listener: () => void): void {
  addEventListener('hashchange', listener);
}

/** The whole address of a part. */
export function linkTo(hash: string): string {
  return new URL(hash, location.href).href;
}

/** Calls a function again and again; returns what ends it. */
export function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms);
  return () => clearInterval(timer);
}

/** Calls a function later; returns what prevents it. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Milliseconds on a clock that nothing sets. */
export function steady(): number {
  return performance.now();
}

/** How far the clock of this computer is before universal time at an instant, in milliseconds. */
export function zoneOffsetMs(at: number): number {
  return new Date(at).getTimezoneOffset() * -60_000;
}

export function isHidden(): boolean {
  return document.hidden;
}

export function onVisible(run: () => void): () => void {
  document.addEventListener('visibilitychange', run);
  return () => document.removeEventListener('visibilitychange', run);
}

export async function copyText(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
}

/** Lets the person save a text as a file. */
export function saveText(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function setTitle(title: string): void {
  document.title = title;
}

/** `light`, `dark`, or null: as the system has it. */
export function setTheme(theme: 'light' | 'dark' | null): void {
  if (theme === null) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function systemIsDark(): boolean {
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

export function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}

/** Hears keys of the whole page. */
export function onKey(listener: (event: KeyboardEvent) => void): () => void {
  addEventListener('keydown', listener);
  return () => removeEventListener('keydown', listener);
}

/** Shows the page as one of the past. */
export function setPast(isPast: boolean): void {
  document.body.classList.toggle('in-past', isPast);
}

/** Whether the pointer is over something of a page, the focus is in it, or a part of its text is selected. */
export function isInUse(selector: string): boolean {
  const element = document.querySelector(selector);
  if (element === null) return false;
  const selection = getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
  return isSelected || element.matches(':hover') || element.contains(document.activeElement);
}

/** Calls a function when the pointer, the focus or the selection may have left something. */
export function onLeaving(run: () => void): () => void {
  const events = ['pointerout', 'focusout', 'selectionchange'] as const;
  // What they leave for is known after the event.
  const later = (): void => void after(0, run);
  for (const event of events) document.addEventListener(event, later);
  return () => {
    for (const event of events) document.removeEventListener(event, later);
  };
}

/** Brings something into view where it lies beside what is shown. */
export function bringIntoView(selector: string): void {
  document.querySelector(selector)?.scrollIntoView({ block: 'nearest', inline: 'center' });
}

/** Moves the focus to the next or the previous one of its kind. */
export function moveFocus(selector: string, by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)];
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** Hears what changes what can be seen of the page. */
export function onScroll(run: () => void): () => void {
  addEventListener('scroll', run, { passive: true });
  addEventListener('resize', run);
  return () => {
    removeEventListener('scroll', run);
    removeEventListener('resize', run);
  };
}

/** How much of an element is above the window, and the height of one of its rows; null: it is not there. */
export function placeInWindow(
  selector: string,
  row: string,
): { readonly above: number; readonly windowHeight: number; readonly rowHeight: number } | null {
  const element = document.querySelector(selector);
  if (element === null) return null;
  const rowHeight = element.querySelector<HTMLElement>(row)?.offsetHeight ?? 0;
  return { above: -element.getBoundingClientRect().top, windowHeight: innerHeight, rowHeight };
}
