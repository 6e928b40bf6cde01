import { ConflictError } from '../../errors.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Ticket } from '../../store/store.ts';
import { BufferedUnit } from '../commits/buffered-unit.ts';
import type { Committer } from '../commits/committer.ts';
import { isStoreClosed } from '../commits/retry-rules.ts';
import { errorText } from '../environment/logging.ts';
import { nextTurn } from '../environment/reactor/next-turn.ts';
import type { ScheduledCall } from '../environment/reactor/reactor.ts';
import type { Answer, Item } from './actor-items.ts';
import { makeTurn, type TurnDeps, type TurnPlan } from './make-turn.ts';

/** The dependencies of the lines. */
export interface LineDeps extends TurnDeps {
  readonly committer: Committer;
  /** False while the box does not deliver mail and timers. */
  readonly isRunning: () => boolean;
}

interface Waiting {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** How many events one commit takes. */
const mostInTurn = 32;

/** After so many conflicts an event goes to the mailbox, where nothing conflicts. */
const conflictsUntilMail = 2;

/** So that nothing is repeated without end. */
const mostConflicts = 100;

/** How long a line waits that could not make its step: the queue of a job is full, or the store is away. */
const firstWaitMs = 100;
const longestWaitMs = 60_000;

/**
 * What one actor is to take in this process, in order. A turn takes up to 32 events, and the next one begins when that is written. So
 * a hot actor needs one commit for many events, and does not conflict with itself.
 */
export class ActorLine {
  readonly #deps: LineDeps;
  readonly #id: string;
  readonly #machine: string;
  readonly #idle: () => void;
  #waiting: Waiting[] = [];
  #looks = false;
  #running: Promise<void> | null = null;
  #retry: ScheduledCall | null = null;
  #failures = 0;
  /** Why its last look could not be carried out; null: it could. */
  blockedBy: Failure | null = null;

  /** `idle` is called when it has nothing left to do. */
  constructor(deps: LineDeps, id: string, machine: string, idle: () => void) {
    this.#deps = deps;
    this.#id = id;
    this.#machine = machine;
    this.#idle = idle;
  }

  /** Resolves when what it has led to is synced. */
  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      void this.#run();
    });
  }

  /** Looks for mail and due timers. Resolves when they are taken, or wait for another try. Never rejects. */
  look(): Promise<void> {
    if (this.#retry !== null) return Promise.resolve();
    this.#looks = true;
    return this.#run();
  }

  /** Nothing is tried again. Resolves when what is under way is over. */
  async end(): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    await this.#running;
  }

  #run(): Promise<void> {
    this.#running ??= this.#turns();
    return this.#running;
  }

  async #turns(): Promise<void> {
    // What is sent in one tick is taken in one turn.
    await null;
    while (this.#waiting.length > 0 || this.#looks) {
      const looks = this.#looks;
      const batch = this.#next();
      this.#looks = false;
      try {
        await this.#turn(batch, looks);
        this.#failures = 0;
        this.blockedBy = null;
      } catch (error) {
        for (const { reject } of batch) reject(error);
        if (looks) this.#lookLater(error);
      }
    }
    // In the same tick as the last look at what waits: what is added from now on begins a run of its own.
    this.#running = null;
    if (this.#retry === null) this.#idle();
  }

  /** What the next turn takes: events together, anything else alone. */
  #next(): readonly Waiting[] {
    let end = this.#waiting.length === 0 ? 0 : 1;
    if (this.#waiting[0]?.item.kind === 'event')
      while (end < mostInTurn && this.#waiting[end]?.item.kind === 'event') end += 1;
    return this.#waiting.splice(0, end);
  }

  async #turn(batch: readonly Waiting[], looks: boolean): Promise<void> {
    const items = batch.map(({ item }) => item);
    for (let conflicts = 0; ; conflicts += 1) {
      try {
        const readsMail = looks || conflicts > 0;
        const plan = await makeTurn(this.#deps, this.#id, this.#machine, items, {
          readsMail,
          isMailed: conflicts >= conflictsUntilMail,
        });
        if (batch.length > 0 && plan.changes.length === 0) await this.#mustBeAsRead(plan, readsMail);
        const ticket = await this.#commit(plan);
        this.#answer(plan, batch, ticket);
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || conflicts === mostConflicts) throw error;
        await nextTurn(this.#deps.work.context.reactor);
      }
    }
  }

  /** What changes nothing was judged by what was read. No commit says that it is so still, with no mail before it. */
  async #mustBeAsRead({ read }: TurnPlan, readsMail: boolean): Promise<void> {
    const { store } = this.#deps.work.context;
    const mail = readsMail ? [] : await store.mail(this.#id, 1);
    const rev = (await store.get('actor', this.#id))?.rev ?? 0;
    const subject = `actor/${this.#id}`;
    if (mail.length > 0)
      throw new ConflictError({ subject, expected: 'without mail', actual: 'one with mail' });
    if (rev !== (read?.rev ?? 0))
      throw new ConflictError({ subject, expected: `at rev ${read?.rev ?? 0}`, actual: `rev ${rev}` });
  }

  /** Resolves when it is written: the next turn reads what this one leaves. */
  async #commit(plan: TurnPlan): Promise<Pick<Ticket, 'synced'>> {
    const { work, committer } = this.#deps;
    const { store, uuid } = work.context;
    if (plan.jobs.length === 0 && plan.changes.length === 0) return { synced: store.settled() };
    const unit = plan.jobs.length === 0 ? null : new BufferedUnit(work, 'a step of an actor');
    try {
      for (const task of plan.jobs) await task(unit as BufferedUnit);
      const changes = unit === null ? plan.changes : [...plan.changes, ...unit.changes];
      const expect = unit === null ? plan.expect : [...plan.expect, ...unit.end()];
      const ticket = committer.commit(uuid, changes, expect);
      await ticket.written;
      unit?.committed();
      return ticket;
    } catch (error) {
      unit?.rollBack();
      throw error;
    }
  }

  #answer(plan: TurnPlan, batch: readonly Waiting[], { synced }: Pick<Ticket, 'synced'>): void {
    const left = batch.filter((_, index) => !plan.answers.has(index));
    this.#waiting = [...left, ...this.#waiting];
    if (plan.plansDue) this.#deps.planDue();
    if (plan.hasMore && (this.#deps.isRunning() || left.length > 0)) this.#looks = true;
    synced.then(
      () => {
        for (const work of plan.after) work();
        for (const [index, answer] of plan.answers)
          if (answer instanceof Error) batch[index]?.reject(answer);
          else batch[index]?.resolve(answer);
      },
      (error: unknown) => {
        for (const [index] of plan.answers) batch[index]?.reject(error);
      },
    );
  }

  /** What could not be taken stays where it is, and is looked at again with growing waits. */
  #lookLater(error: unknown): void {
    const { work, isRunning } = this.#deps;
    if (isStoreClosed(error) || !isRunning()) return;
    this.blockedBy = Failure.from(error);
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failures);
    this.#failures += 1;
    if (this.#failures === 1 || this.#failures % 10 === 0)
      work.context.log.events(
        'WARNING',
        () => `actor ${this.#id} could not take its mail, and tries again: ${errorText(Failure.from(error))}`,
      );
    this.#retry?.cancel();
    this.#retry = work.context.reactor.callLater(waitMs, () => {
      this.#retry = null;
      void this.look();
    });
  }
}
