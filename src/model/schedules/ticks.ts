import type { ScheduleFigures } from '../../../machines/schedule.context.ts';
import { type CronTimes, cronTimes } from './cron.ts';
import { spreadOf } from './jitter.ts';

/** What says when a schedule comes. */
export type Timing = Pick<ScheduleFigures, 'cron' | 'tz' | 'every' | 'from' | 'jitter' | 'until'>;

/** A tick of a schedule, and when it is due: so much later as its jitter says. */
export interface Tick {
  readonly tick: number;
  readonly at: number;
}

/** At most so many missed ticks are counted for one time of absence: a year of seconds would take minutes. */
export const mostCounted = 1000;

/** The ticks of a schedule. `id`: the name by which they are spread. */
export class Ticks {
  readonly #id: string;
  readonly #timing: Timing;
  readonly #times: CronTimes;

  constructor(id: string, timing: Timing) {
    this.#id = id;
    this.#timing = timing;
    this.#times = timing.cron === null ? intervals(timing) : cronTimes(timing.cron, timing.tz);
  }

  /** The first tick that is later than an instant; null: there is none any more. */
  after(instant: number): Tick | null {
    const tick = this.#times.after(instant);
    if (tick === null || tick > (this.#timing.until ?? Number.POSITIVE_INFINITY)) return null;
    return { tick, at: this.dueAt(tick) };
  }

  /** The latest tick that is not later than an instant. */
  latest(instant: number): number | null {
    return this.#times.latest(Math.min(instant, this.#timing.until ?? Number.POSITIVE_INFINITY));
  }

  /** When a tick is due. */
  dueAt(tick: number): number {
    return tick + spreadOf(this.#id, tick, this.#timing.jitter);
  }

  /** How many ticks there are from one to another, both counted; at most `mostCounted`. */
  count(from: number, to: number): number {
    const { every } = this.#timing;
    if (every !== null) return Math.min(mostCounted, Math.floor((to - from) / every) + 1);
    let count = 1;
    for (let tick = this.#times.after(from); tick !== null && tick <= to; tick = this.#times.after(tick)) {
      count += 1;
      if (count === mostCounted) break;
    }
    return count;
  }
}

/** Counts from an instant in absolute time: it does not drift, and no clock change moves it. */
function intervals({ every, from }: Timing): CronTimes {
  const [length, start] = [every ?? 0, from ?? 0];
  const place = (instant: number): number => Math.floor((instant - start) / length);
  return {
    after: (instant) => start + Math.max(0, place(instant) + 1) * length,
    latest: (instant) => (instant < start ? null : start + place(instant) * length),
  };
}
