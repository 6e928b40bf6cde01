import { createHash, timingSafeEqual } from 'node:crypto';

/** What a viewer may do. Each level holds the ones before it. */
export type Level = 'none' | 'read' | 'operate' | 'admin';

/** Who looks, and what they may do. */
export interface Viewer {
  readonly user: string;
  readonly level: Level;
}

/** Decides who may look: null refuses. */
export type Authorize = (request: Request) => Viewer | null | Promise<Viewer | null>;

/** A request that was refused: its HTTP status, a code for programs, a sentence, and a repair. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 405 | 413 | 415 | 421;
  readonly code: string;
  readonly text: string;
  readonly repair: string;
}

/** How requests come in. */
export interface Door {
  /** Host names that are allowed besides those of this computer. */
  readonly allowedHosts: readonly string[];
  readonly authorize: Authorize | null;
  /** The secret of a server of its own; null: it is part of another one. */
  readonly token: string | null;
  /** What a viewer may do whom nothing else was asked about. */
  readonly level: Level;
  readonly isProduction: boolean;
}

const loopback = ['127.0.0.1', 'localhost', '[::1]'];
const levels: readonly Level[] = ['none', 'read', 'operate', 'admin'];

/** How many bytes a request may bring. */
const maxBody = 64 * 1024;

/**
 * Check 1: a page of a stranger, whose name was made to lead here, sends its own name. `port`: of the connection; null: not
 * known, and any will do.
 */
export function checkHost(hosts: readonly string[], door: Door, port: number | null): Refusal | null {
  const [host] = hosts;
  if (host === undefined || hosts.length > 1)
    return refusal(400, 'HOST_MISSING', `Expected one Host header, got ${hosts.length}`, 'Send one.');
  if (door.token === null && door.isProduction && door.allowedHosts.length === 0)
    return refusal(
      403,
      'HOSTS_NOT_NAMED',
      'In production the inspector answers only under names that it was given',
      "Name them: createInspector(box, { allowedHosts: ['jobs.example.org'], authorize }).",
    );
  if (door.allowedHosts.includes(host) || isLoopback(host, port)) return null;
  return refusal(
    421,
    'HOST_REFUSED',
    'The inspector does not answer under this name',
    'Open it at 127.0.0.1, or name the host in allowedHosts.',
  );
}

function isLoopback(host: string, port: number | null): boolean {
  const [, name = '', own] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host) ?? [];
  return loopback.includes(name) && (port === null || Number(own ?? 80) === port);
}

/** Check 2: what changes something comes from a page of this origin, and says so in a way that a form cannot. */
export function checkOrigin(request: Request, host: string): Refusal | null {
  if (request.method === 'GET' || request.method === 'HEAD') return null;
  if (request.method !== 'POST')
    return refusal(405, 'METHOD_REFUSED', `${request.method} is not used here`, 'Send GET or POST.');
  const { headers } = request;
  const site = headers.get('sec-fetch-site');
  const isSame = site === null ? originHost(headers.get('origin')) === host : site === 'same-origin';
  if (!isSame || headers.get('x-signalbox') !== '1')
    return refusal(403, 'ORIGIN_REFUSED', 'This request comes from another place', 'Use the page itself.');
  if (!/^application\/json\b/.test(headers.get('content-type') ?? ''))
    return refusal(415, 'TYPE_REFUSED', 'Expected application/json', 'Send JSON.');
  const length = Number(headers.get('content-length') ?? Number.NaN);
  if (length <= maxBody) return null;
  return refusal(413, 'TOO_LARGE', `Expected at most ${maxBody} bytes of known length`, 'Send less.');
}

function originHost(origin: string | null): string | null {
  return origin === null || !URL.canParse(origin) ? null : new URL(origin).host;
}

/** Check 3: who looks. Data wants the token of a server of its own, or the word of the program that mounted this. */
export async function checkViewer(request: Request, door: Door, isData: boolean): Promise<Viewer | Refusal> {
  if (door.authorize !== null) return (await door.authorize(request)) ?? notYou;
  if (door.token === null && door.isProduction)
    return refusal(
      403,
      'AUTHORIZE_MISSING',
      'In production the inspector opens only to people whom the program has checked',
      "Write: createInspector(box, { authorize: (request) => isAdmin(request) ? { user: 'mira', level: 'read' } : null }).",
    );
  const viewer: Viewer = { user: 'local', level: door.level };
  // The page itself brings the token: what follows # in an address is never sent.
  if (door.token === null || !isData) return viewer;
  return isToken(request.headers.get('authorization'), door.token) ? viewer : wrongToken;
}

function isToken(header: string | null, token: string): boolean {
  const given = header?.startsWith('Bearer ') === true ? header.slice('Bearer '.length) : '';
  return timingSafeEqual(sha256(given), sha256(token));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Check 4: whether a level holds another one. */
export function checkLevel(level: Level, needed: Level): Refusal | null {
  if (level !== 'none' && levels.indexOf(level) >= levels.indexOf(needed)) return null;
  return refusal(
    403,
    'LEVEL_REFUSED',
    `This needs level ${needed}, you have ${level}`,
    'The program gives levels: authorize, or createInspector(box, { level }).',
  );
}

/** Whether a check refused. */
export function isRefusal(answer: Viewer | Refusal): answer is Refusal {
  return 'status' in answer;
}

function refusal(status: Refusal['status'], code: string, text: string, repair: string): Refusal {
  return { status, code, text: `${text}.`, repair };
}

const notYou = refusal(403, 'NOT_AUTHORIZED', 'You may not look at this', 'Sign in to the program first.');
const wrongToken = refusal(
  401,
  'TOKEN_REFUSED',
  'Expected the token of this process',
  'Open the address that it printed: the token follows #t=.',
);
