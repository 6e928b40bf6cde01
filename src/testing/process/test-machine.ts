import type { OpenStore, RunnableReactor, Store } from '../../index.ts';
import { invalid } from '../check-options.ts';
import type { StoreHost } from '../simulate/world/host.ts';
import { WorstCase } from '../simulate/world/random.ts';
import { ProcessReactor } from './process-reactor.ts';
import { type Life, processStore } from './process-store.ts';

/** What happens in a crash with what is written and not synced. */
export type Unsynced = 'kept' | 'lost';

/** What outlives the processes of a test box: its reactor, and its store with what that loses in a crash. */
export class TestMachine {
  readonly reactor: RunnableReactor;
  readonly #store: Store;
  /** The work of the store in this opening, and after a crash that of the next one. */
  #work: { isOver: boolean } = { isOver: false };
  #lose: (() => void) | null = null;

  /** @throws SignalboxError `INVALID_OPTION` for what is no store. */
  constructor(reactor: RunnableReactor, store: Store | ((host: StoreHost) => Store)) {
    this.reactor = reactor;
    this.#store = typeof store === 'function' ? store(this.#host()) : store;
    if (typeof this.#store?.open !== 'function')
      throw invalid('store', 'a store, such as memoryStore(), or simulatedJsonStore', String(store));
  }

  /** Starts a process. `opened`: gets its opening of the store before anything is written. */
  boot(opened?: (store: OpenStore) => Promise<void>): TestProcess {
    return new TestProcess(this, this.#store, opened);
  }

  /** What the store has to do, in a later turn: also after the death of the process that asked for it. */
  turn(call: () => void): void {
    const work = this.#work;
    this.reactor.callFromThread(() => {
      if (!work.isOver) call();
    });
  }

  /** What a crash does with unsynced commits. @throws SignalboxError `INVALID_OPTION` when the store cannot. */
  fateOf(unsynced: Unsynced = this.#lose === null ? 'kept' : 'lost'): Unsynced {
    if (unsynced !== 'kept' && unsynced !== 'lost')
      throw invalid('unsynced', "'kept' or 'lost'", String(unsynced));
    if (unsynced === 'lost' && this.#lose === null)
      throw invalid(
        'unsynced',
        "'kept': only a store such as simulatedJsonStore can lose something",
        unsynced,
      );
    return unsynced;
  }

  /** Ends an opening of the store without its process. */
  async end(open: OpenStore, unsynced: Unsynced): Promise<void> {
    if (unsynced === 'kept') return open.close();
    this.#work.isOver = true;
    this.#work = { isOver: false };
    this.#lose?.();
  }

  #host(): StoreHost {
    return {
      random: new WorstCase(1),
      callLater: (_delayMs, call) => {
        let isOff = false;
        this.turn(() => {
          if (!isOff) call();
        });
        return {
          cancel: () => {
            isOff = true;
          },
        };
      },
      onCrash: (lose) => {
        this.#lose = lose;
      },
    };
  }
}

/** One process of a test box: its event loop, and its opening of the store. */
export class TestProcess implements Life {
  readonly reactor: ProcessReactor;
  /** The store as this process reaches it. */
  readonly store: Store;
  readonly #machine: TestMachine;
  #open: OpenStore | null = null;
  #isOver = false;
  readonly #ends: (() => void)[] = [];

  constructor(machine: TestMachine, store: Store, opened?: (store: OpenStore) => Promise<void>) {
    this.#machine = machine;
    this.reactor = new ProcessReactor(machine.reactor);
    this.store = {
      name: store.name,
      open: async (ports) => {
        const open = await store.open({ ...ports, defer: (call) => machine.turn(call) });
        this.#open = open;
        if (opened !== undefined) await opened(open);
        return processStore(open, this);
      },
    };
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends everything in it, at once. */
  kill(): void {
    this.#isOver = true;
    this.reactor.kill();
    this.end();
  }

  /** Ends what watches it. */
  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  /** Makes a call when it ends. */
  atEnd(call: () => void): void {
    this.#ends.push(call);
  }

  /** Kills it. Resolves when another process can open the store. */
  async crash(unsynced: Unsynced): Promise<void> {
    this.kill();
    if (this.#open !== null) await this.#machine.end(this.#open, unsynced);
  }
}
