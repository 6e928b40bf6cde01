import type { SimulatedHost, SimulatedPeer } from 'signalbox/testing';
import type { Listener, Listening, SqlConnection, SqlPort } from '../../../src/store/postgres/sql-port.ts';
import { PeerConnection, type PeerConnectionParts } from './peer-connection.ts';
import type { Sessions } from './sessions.ts';
import { connectionLost, type StatementQueue } from './statement-queue.ts';

/** What the port of one process is made from. */
export interface PeerPortParts {
  readonly host: SimulatedHost;
  readonly peer: SimulatedPeer;
  readonly statements: StatementQueue;
  readonly sessions: Sessions;
  readonly poolSize: number;
  readonly breaks: number;
  readonly carriedOut: PeerConnectionParts['carriedOut'];
  /** Passes notifications to the listener from now on. Returns a function that ends this. */
  readonly listens: (listener: Listener) => () => void;
  /** Whether the server can be reached at this moment. */
  readonly isUp: () => boolean;
}

/** The database as one simulated process has it. */
export class PeerPort implements SqlPort {
  readonly #parts: PeerPortParts;
  readonly #connections = new Set<PeerConnection>();
  readonly #waiting: (() => void)[] = [];
  #size: number;
  #used = 0;
  #unlisten: (() => void) | null = null;
  #listener: Listener | null = null;

  constructor(parts: PeerPortParts) {
    this.#parts = parts;
    this.#size = parts.poolSize;
    parts.peer.onKill(() => this.#kill());
  }

  connect(): Promise<SqlConnection> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => this.#parts.host.send(() => void this.#connect(resolve, reject)));
      this.#next();
    });
  }

  /** The server has crashed. */
  crash(): void {
    for (const connection of [...this.#connections]) connection.crash();
    const listener = this.#listener;
    this.#unlisten?.();
    this.#listener = null;
    if (listener !== null) this.#parts.peer.answer(() => listener.lost(connectionLost()));
  }

  #next(): void {
    if (this.#used >= this.#size) return;
    const connect = this.#waiting.shift();
    if (connect === undefined) return;
    this.#used += 1;
    connect();
  }

  async #connect(
    connected: (connection: SqlConnection) => void,
    refused: (error: Error) => void,
  ): Promise<void> {
    const { statements, sessions, peer, isUp } = this.#parts;
    await statements.alone(async () => {
      if (!isUp()) {
        this.#used -= 1;
        peer.answer(() => refused(notReached()));
        this.#next();
        return;
      }
      const session = await sessions.take();
      const connection = new PeerConnection({
        ...this.#parts,
        session,
        over: () => {
          this.#connections.delete(connection);
          this.#used -= 1;
          this.#next();
        },
      });
      this.#connections.add(connection);
      peer.answer(() => connected(connection));
    });
  }

  async listen(listener: Listener): Promise<Listening> {
    const { peer, listens, isUp } = this.#parts;
    if (!isUp()) throw notReached();
    const heard = (payload: string): void => peer.answer(() => listener.heard(payload));
    this.#unlisten = listens({ ...listener, heard });
    this.#listener = listener;
    return { close: async () => this.#unlisten?.() };
  }

  /** No thread has signs of life to give: they come by `callLater`, and stop when the process does. */
  settings(): null {
    return null;
  }

  resize(max: number): void {
    this.#size = max;
    this.#next();
  }

  elapsed(): number {
    return this.#parts.peer.ports.now();
  }

  callLater(delayMs: number, call: () => void): { cancel(): void } {
    return this.#parts.peer.callLater(delayMs, call);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.callLater(ms, resolve);
    });
  }

  async end(): Promise<void> {
    this.#unlisten?.();
  }

  #kill(): void {
    this.#unlisten?.();
    this.#listener = null;
    this.#waiting.length = 0;
    for (const connection of [...this.#connections]) connection.kill();
  }
}

function notReached(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}
