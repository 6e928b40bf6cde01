import { defineJob, local } from 'signalbox';

/** Jobs under the control of a test: `hold` records its start, and ends when the test opens the latch of its name. */
export function makeControlledJobs() {
  const latches = new Map<string, { promise: Promise<unknown>; open: (value: unknown) => void }>();
  const started: string[] = [];
  const signals: AbortSignal[] = [];
  const latchOf = (name: string) => {
    let latch = latches.get(name);
    if (latch === undefined) {
      let open: (value: unknown) => void = () => {};
      const promise = new Promise((resolve) => {
        open = resolve;
      });
      latch = { promise, open };
      latches.set(name, latch);
    }
    return latch;
  };
  return {
    /** Names of the jobs that were called, in order, once for each call. */
    started: started as readonly string[],
    /** The signals of the held jobs, in order of their calls. */
    signals: signals as readonly AbortSignal[],
    hold: defineJob({
      name: 'hold',
      run: async (name: string) => {
        started.push(name);
        signals.push(local.signal);
        return await latchOf(name).promise;
      },
    }),
    done: defineJob({
      name: 'done',
      run: (name: string) => {
        started.push(name);
        return name;
      },
    }),
    fail: defineJob({
      name: 'fail',
      run: (message: string): never => {
        throw new Error(message);
      },
    }),
    /** Resolves when the test opens this latch: for jobs that the test defines. */
    opened: (name: string) => latchOf(name).promise,
    /** Ends a held job. */
    open: (name: string, value: unknown = name) => latchOf(name).open(value),
  };
}

/** Names of jobs given to `hold` and `done`, for comparing lists of jobs. */
export function namesOf(jobs: readonly { readonly args: readonly unknown[] }[]): unknown[] {
  return jobs.map((job) => job.args[0]);
}
