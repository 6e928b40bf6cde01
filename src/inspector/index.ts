import { invalidOption } from '../errors.ts';
import { type Signalbox, SignalboxError } from '../index.ts';
import { explainJob } from '../reading/explain.ts';
import type { StoreReader } from '../store/reader.ts';
import type { Authorize, Door, Level } from './server/access.ts';
import type { Acting } from './server/actions.ts';
import { type Answers, answersOf } from './server/answers.ts';
import { Assets } from './server/assets.ts';
import { createHandler } from './server/handler.ts';
import { checkAddress, type Listening, listenOn } from './server/listen.ts';
import { Hub } from './server/live/hub.ts';
import { liveSource } from './server/live-source.ts';
import { type NodeHandler, nodeHandler } from './server/node-adapter.ts';
import { pause } from './server/past/past-port.ts';
import { pastsOfReader, pastsOfStore } from './server/past/pasts-of.ts';
import { isProduction, newToken, readUi, streamClock } from './server/ports.ts';
import type { Sight } from './views/sight.ts';

export type { Authorize, Level, Viewer } from './server/access.ts';
export type { Listening } from './server/listen.ts';
export type { NodeHandler } from './server/node-adapter.ts';

/** Who may look, and from where. */
export interface InspectorOptions {
  /**
   * Decides for each request who looks, and what they may do; null refuses. In production an inspector that is part of another
   * server answers only with it.
   */
  readonly authorize?: Authorize;
  /**
   * Host names, with the port when the browser sends one, under which it answers besides `127.0.0.1`, `localhost` and `[::1]`.
   * In production an inspector that is part of another server needs them.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * What a person may do when `authorize` is not given: `read`; `operate`, pause, resume, retry and trigger; `admin`, cancel and bulk
   * work as well. Default:
   * `read`.
   */
  readonly level?: Level;
}

/** Where an inspector of its own listens. */
export interface ListenOptions {
  /** Default: 0, any free one. */
  readonly port?: number;
  /** Default: `127.0.0.1`. Another address than this computer's own needs `authorize` or a `token`. */
  readonly host?: string;
  /** The secret that the page needs. Default: a new one; it is part of the `url`. */
  readonly token?: string;
}

/** The inspector of one Signalbox. */
export interface Inspector {
  /** Answers a request: for Hono, and for whatever else speaks in `Request` and `Response`. */
  fetch(request: Request): Promise<Response>;
  /** Answers a request of `node:http`, Express or Fastify. */
  readonly node: NodeHandler;
  /** Listens on a port of its own. @throws SignalboxError `INVALID_OPTION`. */
  listen(options?: ListenOptions): Promise<Listening>;
}

/**
 * Makes an inspector: pages that show what every job does, how it got there, what can happen next, and why it does not. It is off
 * until its handler is mounted or `listen` is called. It changes nothing but what a person does whose level allows it. What a definition redacts is not shown.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore } from 'signalbox';
 * import { createInspector } from 'signalbox/inspector';
 *
 * const box = await createSignalbox({ store: memoryStore(), jobs: [] });
 * const inspector = createInspector(box);
 * const { url, close } = await inspector.listen();
 * console.log(url.startsWith('http://127.0.0.1:')); // => true
 * await close();
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`.
 */
export function createInspector(box: Signalbox, options: InspectorOptions = {}): Inspector {
  const { store } = box;
  const place = store.directory ?? (store.isVolatile ? 'memory' : 'PostgreSQL');
  const facts = { place, source: 'live' } as const;
  const { pasts, noPast } = pastsOfStore(store, facts);
  const sight: Sight = {
    ...facts,
    reader: store,
    noPast,
    pause,
    actors: liveSource(box),
    names: box.known,
    watchLiveActors: (listener) => box.watchLiveActors(() => listener()),
    explain: (id) => found('JOB_NOT_FOUND', box.explain(id)),
    explainActor: (id) => found('ACTOR_NOT_FOUND', box.explainActor(id)),
  };
  const stopped = () => box.stopped();
  const acting: Acting = { operate: (who) => box.operate(who), jobs: (filter) => box.jobs(filter) };
  return inspectorOf({ answers: answersOf(sight, pasts), sight, stopped, acting }, options);
}

/** Makes an inspector of a store that is read without being opened: it sees what the store holds, and knows no code. */
export function readInspector(reader: StoreReader, options: InspectorOptions = {}): Inspector {
  const facts = { place: reader.name, source: 'closed' } as const;
  const { pasts, noPast } = pastsOfReader(reader, facts);
  const explain = (id: string) => explainJob(reader, id, null);
  const sight: Sight = { ...facts, reader, noPast, pause, explain };
  return inspectorOf({ answers: answersOf(sight, pasts), sight, acting: null }, options);
}

/** Undefined: there is no such subject. */
async function found<Answer>(code: string, asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof SignalboxError && error.code === code) return undefined;
    throw error;
  }
}

/** What an inspector is made of. */
interface Shown {
  readonly answers: Answers;
  readonly sight: Sight;
  /** Resolves when its process is at work no more. Absent: it is not. */
  readonly stopped?: () => Promise<void>;
  /** What people do here. Null: they only look. */
  readonly acting: Acting | null;
}

function inspectorOf(shown: Shown, options: InspectorOptions): Inspector {
  const { authorize = null, allowedHosts = [], level = 'read' } = checked(options);
  const assets = new Assets(readUi);
  const door: Door = { authorize, allowedHosts, level, token: null, isProduction: isProduction() };
  const epoch = newToken().slice(0, 8);
  const hub = new Hub({ ...shown, clock: streamClock, epoch });
  const mounted = createHandler(shown.answers, assets, door, hub, shown.acting);
  return {
    fetch: (request) => {
      const { host, pathname } = new URL(request.url);
      return mounted(request, {
        hosts: [request.headers.get('host') ?? host],
        port: null,
        path: pathname,
      });
    },
    node: nodeHandler(mounted),
    listen: async (listening = {}) => {
      const { host = '127.0.0.1', port = 0, token = authorize === null ? newToken() : null } = listening;
      checkAddress(host, authorize !== null || listening.token !== undefined);
      const ownDoor = { ...door, token };
      const own = createHandler(shown.answers, assets, ownDoor, hub, shown.acting);
      return listenOn(nodeHandler(own), { host, port, token, closing: () => hub.end('closed', ownDoor) });
    },
  };
}

const known = ['authorize', 'allowedHosts', 'level'];
const levels: readonly Level[] = ['none', 'read', 'operate', 'admin'];

function checked(options: InspectorOptions): InspectorOptions {
  for (const option of Object.keys(options))
    if (!known.includes(option))
      throw invalidOption(option, `absent: only ${known.join(', ')} are known`, Reflect.get(options, option));
  const { authorize, allowedHosts, level } = options;
  if (authorize !== undefined && typeof authorize !== 'function')
    throw invalidOption('authorize', 'a function', authorize);
  if (allowedHosts !== undefined && !Array.isArray(allowedHosts))
    throw invalidOption('allowedHosts', 'a list of host names', allowedHosts);
  if (level !== undefined && !levels.includes(level))
    throw invalidOption('level', `one of ${levels.join(', ')}`, level);
  return options;
}
