import { hash } from 'node:crypto';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Line } from '../../entry.ts';
import { reasonOf } from '../failures.ts';
import type { Parts } from '../parts.ts';
import type { Listening, Scheduled, SqlConnection } from '../sql-port.ts';
import type { Following } from './following.ts';

export interface NotifyingParts
  extends Pick<Parts, 'schemaName' | 'epoch' | 'port' | 'transactions' | 'report'> {
  readonly following: Following;
  /** Another process has committed. */
  hint(news: News): void;
}

/** What other processes may want to know of a commit. */
export interface News {
  /** Queues in which it puts work, or makes room for some. */
  readonly queues: ReadonlySet<string>;
  /** Jobs whose code it asks to stop. */
  readonly stops: ReadonlySet<string>;
  /** Machines of which it starts actors, or sends messages to some. */
  readonly machines: ReadonlySet<string>;
}

const noNews: News = { queues: new Set(), stops: new Set(), machines: new Set() };

/** The least time between two notifications of a process. */
const pauseMs = 50;
/** How long a notification to itself may take before it is taken for lost. */
const echoMs = 5000;
const retryMs = 5000;
const unheard =
  'no notification arrives (a pooler in transaction mode?): the journal is looked at instead, every 0.1 to 2 s';
/** How long an end waits for its last notification: others find what it has left at their next poll. */
const lastMs = 1000;

/**
 * Notifications between processes: hints, so that no work waits for the next poll. No notification is needed,
 * and none is sent inside a transaction: commits that notify wait for each other. Behind a pooler that gives
 * out connections by the transaction nothing is heard; that is found out and said, and the journal is looked at
 * instead.
 */
export class Notifying {
  readonly #parts: NotifyingParts;
  readonly #channel: string;
  readonly #queues = new Set<string>();
  readonly #stops = new Set<string>();
  readonly #machines = new Set<string>();
  #sending: Scheduled | null = null;
  #sent: Promise<unknown> = Promise.resolve();
  #sentAt = Number.NEGATIVE_INFINITY;
  #listening: Listening | null = null;
  #starting: Promise<void> = Promise.resolve();
  readonly #timers = new Set<Scheduled>();
  /** The next attempt to listen is on its way. */
  #isAwaited = false;
  #isClosed = false;
  #isHeard = false;
  #isWarned = false;
  /** Ends what follows the journal instead. */
  #unfollow: (() => void) | null = null;

  constructor(parts: NotifyingParts) {
    this.#parts = parts;
    this.#channel = channelOf(parts.schemaName);
  }

  /** Begins to listen, and begins again whenever the connection is lost. */
  listen(): void {
    if (this.#isClosed) return;
    // Until an echo is heard, notifications may be lost.
    this.#setDeaf(true);
    this.#starting = this.#listen().catch((error: unknown) => {
      this.#warn(`cannot listen for notifications, the journal is looked at instead: ${reasonOf(error)}`);
      this.#listenAgain();
    });
  }

  /** Something was committed that others may want to know. */
  notify({ queues, stops, machines }: News): void {
    for (const machine of machines) this.#machines.add(machine);
    for (const queue of queues) this.#queues.add(queue);
    for (const stop of stops) this.#stops.add(stop);
    if (this.#sending !== null || this.#isClosed) return;
    const since = this.#parts.port.elapsed() - this.#sentAt;
    this.#sending = this.#parts.port.callLater(Math.max(0, pauseMs - since), () => this.#send());
  }

  /** Notifies in a transaction of the program. This process hears it, too: it knows no more of its end than others. */
  async notifyWithin(connection: SqlConnection, news: News, by = 0): Promise<void> {
    const { queues, stops, machines } = news;
    const named = {
      ...(stops.size === 0 ? {} : { stops: [...stops] }),
      ...(machines.size === 0 ? {} : { machines: [...machines] }),
    };
    const payload = JSON.stringify({ by, queues: [...queues], ...named });
    // It has room for 8000 bytes; without names every queue is meant by the polls anyway.
    const text = Buffer.byteLength(payload) < 8000 ? payload : JSON.stringify({ by, queues: [] });
    await connection.query('SELECT pg_notify($1, $2)', [this.#channel, text]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#sending !== null) {
      this.#sending.cancel();
      this.#send();
    }
    let limit: Scheduled | undefined;
    const isLate = new Promise<void>((resolve) => {
      limit = this.#parts.port.callLater(lastMs, resolve);
    });
    await Promise.race([this.#sent, isLate]);
    limit?.cancel();
    for (const timer of this.#timers) timer.cancel();
    await this.#starting;
    await this.#listening?.close();
  }

  async #listen(): Promise<void> {
    const { port } = this.#parts;
    this.#isHeard = false;
    // One whose echo could not be asked for is still there.
    await this.#listening?.close();
    this.#listening = await port.listen({
      channel: this.#channel,
      heard: (payload) => this.#hear(payload),
      lost: () => this.#listenAgain(),
    });
    if (this.#isClosed) return;
    await this.#notify(noNews);
    this.#later(echoMs, () => {
      if (!this.#isHeard) this.#warn(unheard);
    });
  }

  /** One attempt at a time: a failure of a connection may be reported more than once, also while it is being made. */
  #listenAgain(): void {
    this.#isHeard = false;
    this.#setDeaf(true);
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    this.#later(retryMs, async () => {
      await this.#starting;
      this.#isAwaited = false;
      this.listen();
    });
  }

  /** Without notifications the journal reports work that others put. */
  #setDeaf(isDeaf: boolean): void {
    if (this.#isClosed || isDeaf === (this.#unfollow !== null)) return;
    const { following, hint } = this.#parts;
    this.#unfollow?.();
    this.#unfollow = isDeaf
      ? following.follow((lines, isFound) => {
          if (isFound) hint(newsIn(lines));
        })
      : null;
  }

  #hear(payload: string): void {
    this.#isHeard = true;
    // What was committed before the first notification that is heard, the journal has reported by the end of its next look.
    if (this.#unfollow !== null)
      void this.#parts.following.caughtUp().then(() => {
        if (this.#isHeard) this.#setDeaf(false);
      });
    try {
      const {
        by,
        queues,
        stops = [],
        machines = [],
      } = JSON.parse(payload) as {
        readonly by: number;
        readonly queues: readonly string[];
        readonly stops?: readonly string[];
        readonly machines?: readonly string[];
      };
      if (by === this.#parts.epoch || ![queues, stops, machines].every(Array.isArray)) return;
      this.#parts.following.ask();
      this.#parts.hint({
        queues: new Set(queues.map(String)),
        stops: new Set(stops.map(String)),
        machines: new Set(machines.map(String)),
      });
    } catch {
      // Anyone may notify on any channel: what is not ours is no hint.
    }
  }

  #send(): void {
    this.#sending = null;
    this.#sentAt = this.#parts.port.elapsed();
    const news = {
      queues: new Set(this.#queues),
      stops: new Set(this.#stops),
      machines: new Set(this.#machines),
    };
    for (const named of [this.#queues, this.#stops, this.#machines]) named.clear();
    this.#sent = this.#notify(news).catch(() => {});
  }

  #notify(news: News): Promise<void> {
    const { transactions, epoch } = this.#parts;
    return transactions.read('a notification', (connection) => this.notifyWithin(connection, news, epoch));
  }

  #later(ms: number, call: () => void): void {
    if (this.#isClosed) return;
    const timer = this.#parts.port.callLater(ms, () => {
      this.#timers.delete(timer);
      call();
    });
    this.#timers.add(timer);
  }

  #warn(message: string): void {
    if (this.#isWarned || this.#isClosed) return;
    this.#isWarned = true;
    this.#parts.report(message);
  }
}

/** The channel of a schema. A name of at most 63 bytes, whatever the schema's. */
function channelOf(schemaName: string): string {
  return `signalbox_${hash('sha256', schemaName, 'hex').slice(0, 16)}`;
}

/** What lines say to others, as far as the lines themselves show it. */
function newsIn(lines: readonly Line[]): News {
  const queues = new Set<string>();
  const stops = new Set<string>();
  const machines = new Set<string>();
  for (const { entries } of lines) {
    for (const { kind, id, from, to, patch } of entries) {
      const isStarted = kind === 'actor' && from === null;
      if ((isStarted || kind === 'message') && to !== null && typeof patch?.machine === 'string')
        machines.add(patch.machine);
      const parent = kind === 'job' ? ((patch?.parent ?? null) as JobRecord['parent']) : null;
      if (kind === 'quota') queues.add(id.slice(0, id.indexOf('/')));
      else if (parent !== null && 'queue' in parent && !('agent' in parent)) queues.add(parent.queue);
      if (kind === 'job' && to === 'active.cancelling') stops.add(id);
    }
  }
  return { queues, stops, machines };
}
