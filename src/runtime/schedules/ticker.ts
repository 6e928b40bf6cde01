/*
 * Room: schedules.
 *
 * Owns: Schedules at work: how they are set, paused, triggered and removed, and the ticker, which makes the ticks
 *   that are due. What a tick does is decided in src/model/schedules.
 *
 * Invariant: A tick is one commit, which expects the schedule as it was read and the job of the tick not to
 *   be there. So every process may make it, and one does.
 *
 * May import: environment, definitions, commits, jobs, execution, callbacks.
 */
import { ConflictError } from '../../errors.ts';
import type { ScheduleRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { isStoreClosed } from '../commits/retry-rules.ts';
import { errorText } from '../environment/logging.ts';
import type { ScheduledCall } from '../environment/reactor/reactor.ts';
import { partsOf } from './scheduled-job.ts';
import { makeTick, type TickDeps } from './tick.ts';

/** The dependencies of a {@link Ticker}. */
export interface TickerDeps extends TickDeps {
  /** Asks the store anew when something becomes due. */
  readonly planDue: () => void;
  /** False once the box stops. */
  readonly isRunning: () => boolean;
}

/** How many schedules are looked at together: their ticks are written together. */
const atOnce = 200;

/** How many ticks one schedule makes in a round. */
const mostOfOne = 100;

/** A process that did not make the last tick of a schedule waits up to so long: that spares conflicts and promises nothing. */
const patienceMs = 500;

/** Makes the ticks that are due. Each is a commit of its own, so one that is refused holds up no other schedule. */
export class Ticker {
  readonly #deps: TickerDeps;
  /** Schedules whose last tick was made here. */
  readonly #own = new Set<string>();
  /** Schedules whose tick was refused: it is tried again at the next poll. */
  readonly #refused = new Set<string>();
  #looking: Promise<void> | null = null;
  #isAskedAgain = false;
  #later: ScheduledCall | null = null;

  constructor(deps: TickerDeps) {
    this.#deps = deps;
  }

  /** Looks for schedules that are due, as a poll does: also for what was refused, and without patience. Never rejects. */
  poll(): Promise<void> {
    this.#refused.clear();
    return this.look(false);
  }

  /** Looks for schedules that are due. A call during a look leads to one more look. Never rejects. */
  async look(isPatient = !this.#deps.work.context.store.exclusive): Promise<void> {
    if (this.#looking !== null) {
      this.#isAskedAgain = true;
      return this.#looking;
    }
    this.#looking = this.#rounds(isPatient);
    await this.#looking;
  }

  async #rounds(isPatient: boolean): Promise<void> {
    try {
      do {
        this.#isAskedAgain = false;
        await this.#round(isPatient);
      } while (this.#isAskedAgain && this.#deps.isRunning());
    } catch (error) {
      this.#log(error, 'schedules could not be read');
    } finally {
      this.#looking = null;
    }
  }

  /** Makes ticks until none is due, but those that are left for later. */
  async #round(isPatient: boolean): Promise<void> {
    const { work, planDue, isRunning } = this.#deps;
    const { store } = work.context;
    const left = new Set(this.#refused);
    const counts = new Map<string, number>();
    while (isRunning()) {
      const due = await store.dueSchedules(store.now(), atOnce + left.size);
      if (isPatient) this.#leaveToOthers(due, left);
      const mine = due.filter(({ id }) => !left.has(id)).slice(0, atOnce);
      if (mine.length === 0) break;
      await Promise.all(
        mine.map(async (schedule) => {
          const { id } = schedule;
          const count = (counts.get(id) ?? 0) + 1;
          counts.set(id, count);
          if (!(await this.#tick(schedule)) || count === mostOfOne) left.add(id);
        }),
      );
    }
    if (counts.size > 0) planDue();
  }

  #leaveToOthers(due: readonly ScheduleRecord[], left: Set<string>): void {
    for (const { id } of due) if (!this.#own.has(id)) left.add(id);
    if (left.size === this.#refused.size || this.#later !== null) return;
    const { reactor, random } = this.#deps.work.context;
    this.#later = reactor.callLater(random.next() * patienceMs, () => {
      this.#later = null;
      void this.look(false);
    });
  }

  /** Returns whether the schedule may be due again. */
  async #tick(schedule: ScheduleRecord): Promise<boolean> {
    const { id } = schedule;
    try {
      const isMade = await makeTick(this.#deps, schedule);
      if (isMade) this.#own.add(id);
      else this.#own.delete(id);
      return isMade;
    } catch (error) {
      this.#own.delete(id);
      // Others are at it.
      if (error instanceof ConflictError) return false;
      this.#refused.add(id);
      const { queue, name } = partsOf(id);
      this.#log(
        error,
        `schedule '${name}' of queue '${queue}' could not put its job, and tries again at each poll`,
      );
      return false;
    }
  }

  #log(error: unknown, what: string): void {
    // A store that is closed, or has failed, says so itself.
    if (isStoreClosed(error) || !this.#deps.isRunning()) return;
    const failure = Failure.from(error);
    this.#deps.work.context.log.events('ERROR', () => `${what}: ${errorText(failure)}`, {
      err: failure.toError(),
    });
  }
}
