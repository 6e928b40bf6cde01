import { SignalboxError } from '../../../index.ts';
import { explainJob } from '../../../reading/explain.ts';
import type { Records } from '../../../store/entry.ts';
import type { Past, StoreReader } from '../../../store/reader.ts';
import type { Sight } from '../../views/sight.ts';
import { type Question, views } from '../../views/views.ts';

/** A question about a moment that is over. */
export type PastQuestion = Question & { readonly at: number };

/** The answer to it: JSON as text, since it may come from another thread and only passes through this one. */
export interface PastAnswer {
  readonly seq: number;
  /** The instant of that entry. */
  readonly at: number;
  readonly text: string;
}

/** What answers questions about moments that are over. */
export interface Pasts {
  /** Undefined: there was no such subject. @throws SignalboxError `PAST_UNAVAILABLE`, `HISTORY_CUT`, `INVALID_OPTION`. */
  answer(question: PastQuestion): Promise<PastAnswer | undefined>;
}

/** What definitions hide. */
export type Hidden = Records['store']['redactions'];

/** Where pasts come from. */
export interface PastsSource {
  /** Makes the first past. The others are forks of it. */
  open(): Promise<Past>;
  /** What definitions hide now: what was shown once may have been a mistake. */
  hidden(): Promise<Hidden>;
  /** What a view knows beside the store. */
  readonly sight: Omit<Sight, 'reader' | 'explain'>;
  /** Calls a function once, later; returns what prevents it. */
  after(ms: number, run: () => void): () => void;
}

/** How many pasts are held, and how. */
export interface PastsLimits {
  /** Two people can look at two moments. */
  readonly most: number;
  /** A past that is not farther away than so many entries moves: to make another one would take longer. */
  readonly reach: number;
  /** A past that was not asked for so long is dropped. */
  readonly idleMs: number;
}

const usualLimits: PastsLimits = { most: 2, reach: 20_000, idleMs: 60_000 };

/** Holds pasts of one store, and moves them to what is asked. An answer is never a mix of two moments. */
export class HeldPasts implements Pasts {
  readonly #source: PastsSource;
  readonly #limits: PastsLimits;
  #slots: readonly Slot[] = [];
  #hidden: Hidden;

  constructor(source: PastsSource, limits: PastsLimits = usualLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** How many are held. */
  get count(): number {
    return this.#slots.length;
  }

  async answer(question: PastQuestion): Promise<PastAnswer | undefined> {
    this.#hidden = await this.#source.hidden();
    const slot = this.#slotFor(question.at);
    // In order of asking: the one that was asked last comes last.
    this.#slots = [...this.#slots.filter((each) => each !== slot), slot];
    slot.cancelDrop();
    try {
      return await slot.at(question.at, (past) => answerOf(past, question, this.#source.sight));
    } finally {
      if (slot.isBroken) this.#drop(slot);
      else if (slot.isFree) slot.cancelDrop = this.#source.after(this.#limits.idleMs, () => this.#drop(slot));
    }
  }

  #slotFor(seq: number): Slot {
    const same = this.#slots.find(({ target }) => target === seq);
    if (same !== undefined) return same;
    const { most, reach } = this.#limits;
    const free = this.#slots.filter(({ isFree }) => isFree);
    const nearest = free.toSorted((one, other) => one.distanceTo(seq) - other.distanceTo(seq))[0];
    if (nearest !== undefined && nearest.distanceTo(seq) <= reach) return nearest;
    if (this.#slots.length < most) return new Slot(this.#make());
    return (free[0] ?? this.#slots[0]) as Slot;
  }

  #make(): Promise<Past> {
    const [known] = this.#slots;
    const made = known === undefined ? this.#source.open() : known.past.then((past) => past.fork());
    return made.then((past) => hiding(past, () => this.#hidden));
  }

  #drop(slot: Slot): void {
    slot.cancelDrop();
    this.#slots = this.#slots.filter((each) => each !== slot);
  }
}

/** A past that hides what is hidden now. */
function hiding(past: Past, hidden: () => Hidden): Past {
  const get: Past['get'] = past.get.bind(past);
  return Object.assign(past, {
    get: async (...args: Parameters<Past['get']>) => {
      const record = await get(...args);
      return record === undefined || args[0] !== 'store' ? record : { ...record, redactions: hidden() };
    },
  });
}

/** One past, and who uses it. It moves when all that was asked of the moment before is answered. */
class Slot {
  readonly past: Promise<Past>;
  /** The moment that it is at, or goes to; null: it is not known, since it could not go there. */
  target: number | null = null;
  isBroken = false;
  cancelDrop = (): void => {};
  #users = 0;
  #ready: Promise<Past>;
  #over: Promise<unknown> = Promise.resolve();

  constructor(past: Promise<Past>) {
    this.past = past;
    this.#ready = past;
    past.catch(() => {
      this.isBroken = true;
    });
  }

  get isFree(): boolean {
    return this.#users === 0;
  }

  distanceTo(seq: number): number {
    return this.target === null ? Number.POSITIVE_INFINITY : Math.abs(seq - this.target);
  }

  /** Asks something of a moment. */
  async at<Result>(seq: number, ask: (past: Past) => Promise<Result>): Promise<Result> {
    if (this.target !== seq) this.#goTo(seq);
    const asked = this.#ready.then(ask);
    this.#over = Promise.allSettled([this.#over, asked]);
    this.#users += 1;
    try {
      return await asked;
    } finally {
      this.#users -= 1;
    }
  }

  #goTo(seq: number): void {
    this.target = seq;
    const ready = Promise.all([this.past, this.#over]).then(async ([past]) => {
      await past.moveTo(seq);
      return past;
    });
    ready.catch(() => {
      if (this.target === seq) this.target = null;
    });
    this.#ready = ready;
  }
}

async function answerOf(
  past: Past,
  question: PastQuestion,
  beside: PastsSource['sight'],
): Promise<PastAnswer | undefined> {
  // Which code was there is not written down: what needs it cannot be known.
  const sight: Sight = { ...beside, reader: past, explain: (id) => explainJob(past, id, null) };
  const data = await views[question.path](sight, question);
  if (data === undefined) return undefined;
  const { seq } = past;
  const at = past.now();
  return { seq, at, text: JSON.stringify({ seq, at, data }) };
}

const mostJobs = 1_000_000;

/** Refuses a store that is too large to be held a second time. @throws SignalboxError `PAST_UNAVAILABLE`. */
export async function refuseTooMany(reader: Pick<StoreReader, 'counts'>, most = mostJobs): Promise<void> {
  const { states } = await reader.counts();
  const count = Object.values(states).reduce((sum, { n }) => sum + n, 0);
  if (count <= most) return;
  throw new SignalboxError('PAST_UNAVAILABLE', {
    found: `one of ${count} jobs, where at most ${most} are held a second time`,
    repair:
      'Open a job to step through its history, or copy the directory and call signalbox inspect with the copy.',
  });
}

/** The pasts of a store that has none. */
export function noPasts(why: string): Pasts {
  return {
    answer: () =>
      Promise.reject(
        new SignalboxError('PAST_UNAVAILABLE', {
          found: why,
          repair: 'The present is shown; open a job to step through its history.',
        }),
      ),
  };
}
