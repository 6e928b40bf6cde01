import { type JsonStore, jsonStore } from 'signalbox/json';
import { SignalboxError } from '../../src/errors.ts';
import type { SyncPort } from '../../src/store/json/ports/sync-port.ts';
import type { Change, OpenStore, Ticket } from '../../src/store/store.ts';
import type { MemoryFiles } from '../store/json/memory-files.ts';
import type { Expectations } from './expectations.ts';
import { noLock, openedAt, storeDir } from './recovered.ts';

/** Decides when what a store has asked for happens. */
export interface Conduct {
  readonly syncs: () => SyncPort;
  defer(run: () => void): void;
  /** Lets things happen until a promise is settled. */
  until<Value>(promise: Promise<Value>): Promise<Value>;
}

/** The settings of a session's store. */
export interface SessionOptions {
  readonly checkpointMinBytes: number;
  readonly historyMaxBytes: number;
  /** Ids of this session begin with it. */
  readonly ids: string;
}

/** One life of the real json store on a recorded disk, with its promises noted down. */
export class Session {
  readonly #files: MemoryFiles;
  readonly #expectations: Expectations;
  readonly #conduct: Conduct;
  readonly #handle: JsonStore;
  readonly #store: OpenStore;
  /** Errors that no fault of this workload explains. */
  readonly surprises: unknown[] = [];
  readonly #refused = new Set<Ticket>();

  private constructor(
    files: MemoryFiles,
    expectations: Expectations,
    conduct: Conduct,
    handle: JsonStore,
    store: OpenStore,
  ) {
    this.#files = files;
    this.#expectations = expectations;
    this.#conduct = conduct;
    this.#handle = handle;
    this.#store = store;
  }

  static async open(
    files: MemoryFiles,
    expectations: Expectations,
    conduct: Conduct,
    { ids, checkpointMinBytes, historyMaxBytes }: SessionOptions,
  ): Promise<Session> {
    const at = files.operations.length;
    expectations.reopen(at);
    const epoch = expectations.epoch + 1;
    const seq = expectations.stage([opened(epoch)], at);
    let lastId = 0;
    const handle = jsonStore(storeDir, {
      files,
      syncs: conduct.syncs,
      lock: noLock,
      checkpointMinBytes,
      historyMaxBytes,
    });
    const store = await conduct.until(
      handle.open({
        now: () => openedAt,
        defer: (run) => conduct.defer(run),
        newId: () => {
          lastId += 1;
          return `${ids}${lastId}`;
        },
        report: () => {},
      }),
    );
    expectations.acknowledge(seq, files.operations.length);
    return new Session(files, expectations, conduct, handle, store);
  }

  /** Seq of the newest commit. */
  get seq(): number {
    return this.#expectations.seq;
  }

  /**
   * Makes a commit. Whether and when it is acknowledged or refused is noted down. A single change has another author than several:
   * so some commits of a tick share a line, and others do not.
   */
  commit(changes: readonly Change[]): Promise<void> {
    const seq = this.#expectations.stage(changes, this.#files.operations.length);
    const by = changes.length === 1 ? 'client' : 'other';
    return this.#noted(seq, this.#store.commit({ by, changes, expect: [] }));
  }

  /** Claims so many jobs of the queue '', as a commit. Returns their ids, and whether there is more to look at. */
  async claim(limit: number): Promise<{ readonly ids: readonly string[]; readonly isMore: boolean }> {
    const changes: Change[] = [];
    const claiming = this.#store.claim({
      ...{ queue: '', limit, by: 'agent', agent: null, choose: null },
      accepts: { lane: () => true, job: null },
      take: ({ job, quotas }) => {
        const parent = { queue: '', dispatcher: 'd', agent: 'main' };
        const patch = { parent, line: 'claimed', quotas } as Change['patch'];
        changes.push({ kind: 'job', id: job.id, event: 'job.claim', from: 'pending', to: 'assigned', patch });
        return changes.slice(-1);
      },
    });
    // What is taken is staged within the call.
    if (changes.length === 0) return { ids: [], isMore: (await claiming).mayBeMore === true };
    const seq = this.#expectations.stage(changes, this.#files.operations.length);
    const { jobs, ticket, mayBeMore } = await claiming;
    void this.#noted(seq, ticket);
    return { ids: jobs.map(({ id }) => id), isMore: mayBeMore === true };
  }

  #noted(seq: number, ticket: Ticket): Promise<void> {
    return ticket.synced.then(
      () => this.#expectations.acknowledge(seq, this.#files.operations.length),
      (error) => {
        if (!(error instanceof SignalboxError && error.code === 'STORE_FULL')) this.surprises.push(error);
        // One ticket is shared by all commits of a tick: the first refusal takes them all back.
        else if (!this.#refused.has(ticket)) this.#expectations.refuse(seq, this.#files.operations.length);
        this.#refused.add(ticket);
      },
    );
  }

  /** Makes a backup beside the running work, and notes when it is acknowledged. */
  async backup(dir: string): Promise<void> {
    const seq = this.#expectations.acknowledgedSeq;
    await this.#handle.backup(dir);
    this.#expectations.backedUp(dir, seq, this.#files.operations.length);
  }

  /** Closes the store and notes that it is closed. */
  async close(): Promise<void> {
    await this.#conduct.until(this.#store.close());
    this.#expectations.close(this.#files.operations.length);
  }
}

function opened(epoch: number): Change {
  return { kind: 'store', id: 'store', event: 'store.opened', from: null, to: null, patch: { epoch } };
}
