/** A dispatcher's record of a job that it started. */
export interface JobInfo {
  /** Text of the result, or the verbose text of the failure; null until the worker is done. */
  result: string | null;
  failed: boolean;
  readonly agent: string;
  readonly queue: string;
  pollId: bigint | null;
  readonly quotaNames: readonly string[];
  /** Text of the job at claim time. */
  readonly call: string;
  started: Date | null;
  completed: Date | null;
  /** `agent:slot`. */
  thread: string | null;
  reassigned: boolean;
}

/** Returns a copy of a record. Its JSON has the key of the poll as text, as the JSON of the poll has. */
export function copyOfInfo(info: JobInfo, reassigned = info.reassigned): JobInfo & { toJSON(): unknown } {
  const { result, failed, agent, queue, pollId, quotaNames, call, started, completed, thread } = info;
  const copy = {
    result,
    failed,
    agent,
    queue,
    pollId,
    quotaNames,
    call,
    started,
    completed,
    thread,
    reassigned,
  };
  const toJSON = (): unknown => ({ ...copy, pollId: copy.pollId === null ? null : String(copy.pollId) });
  return Object.defineProperty(copy, 'toJSON', { value: toJSON }) as typeof copy & { toJSON(): unknown };
}

/** The newest jobs by insertion, newest first when iterated. */
export class JobInfos<Info = JobInfo> implements Iterable<readonly [string, Info]> {
  readonly size: number;
  readonly #infos = new Map<string, Info>();

  constructor(size: number) {
    this.size = size;
  }

  get length(): number {
    return this.#infos.size;
  }

  /** Returns the record of a job; undefined when it was dropped. */
  get(id: string): Info | undefined {
    return this.#infos.get(id);
  }

  /** Sets a record, and drops the oldest one when there are more than the size. */
  set(id: string, info: Info): void {
    this.#infos.delete(id);
    this.#infos.set(id, info);
    if (this.#infos.size > this.size) {
      const oldest = this.#infos.keys().next();
      if (!oldest.done) this.#infos.delete(oldest.value);
    }
  }

  [Symbol.iterator](): Iterator<readonly [string, Info]> {
    return [...this.#infos].reverse()[Symbol.iterator]();
  }

  /** Drops all records. */
  clear(): void {
    this.#infos.clear();
  }
}

const resultLimit = 10_000;

/** Returns a result's text, cut with a marker when it is longer than 10,000 characters. */
export function cutResult(text: string): string {
  return text.length <= resultLimit ? text : `${text.slice(0, resultLimit)}\n[...TRUNCATED...]`;
}
