import { type Intercept, local } from '../../../index.ts';
import { perform, type Scripted } from '../model/outcomes.ts';

/** Stands between jobs and their code: a job ends when its path says so, and as it says. The code is never called. */
export class Gates {
  readonly #isChild: (job: string) => boolean;
  readonly #putOutcome: (name: string) => Scripted | undefined;
  /** By job. */
  readonly #open = new Map<string, Scripted>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #isOver = false;

  /** `putOutcome`: of a job that nothing waits for. */
  constructor(isChild: (job: string) => boolean, putOutcome: (name: string) => Scripted | undefined) {
    this.#isChild = isChild;
    this.#putOutcome = putOutcome;
  }

  intercept: Intercept = ({ id, name }) => {
    if (!this.#isChild(id)) return perform(this.#putOutcome(name) ?? nothing);
    const known = this.#open.get(id);
    if (known !== undefined) return perform(known);
    if (this.#isOver) return undefined;
    const { signal } = local;
    return new Promise((resolve, reject) => {
      const through = (): void => {
        const outcome = this.#open.get(id) ?? nothing;
        if (outcome.ok) resolve(outcome.value);
        else reject(outcome.thrown);
      };
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting.add(through));
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  };

  /** Lets a job end, in this attempt and in every later one. */
  end(job: string, outcome: Scripted): void {
    this.#open.set(job, outcome);
    this.#release(job);
  }

  /** Lets every job end: nothing waits for them any more. */
  endAll(): void {
    this.#isOver = true;
    for (const job of this.#waiting.keys()) this.#release(job);
  }

  #release(job: string): void {
    for (const through of this.#waiting.get(job) ?? []) through();
    this.#waiting.delete(job);
  }
}

const nothing: Scripted = { ok: true, value: undefined };
