import { createHook } from 'node:async_hooks';
import { type Job, local, type Reactor } from '../index.ts';

type Report = (job: Job<unknown>, message: string) => void;

/** The reactors whose jobs are watched: time in them is not that of the process. */
const watched = new Map<Reactor, Report>();

/** Every timer of Node is a `Timeout`: those of `setTimeout`, `setInterval` and `node:timers/promises`. */
const hook = createHook({
  init(_asyncId, type, _triggerAsyncId, timer) {
    if (type !== 'Timeout') return;
    // An error in a hook would end the process.
    try {
      noticeTimer(timer as NodeJS.Timeout);
    } catch {}
  },
});

/**
 * Reports each job of a reactor whose code makes a timer of the process, once for each definition, until the returned
 * function is called. A timer that does not keep the process does not count: nothing waits for it.
 */
export function watchRealTimers(reactor: Reactor, report: Report): () => void {
  const reported = new Set<string>();
  watched.set(reactor, (job, message) => {
    if (reported.has(job.name)) return;
    reported.add(job.name);
    report(job, message);
  });
  hook.enable();
  return () => {
    watched.delete(reactor);
    if (watched.size === 0) hook.disable();
  };
}

/** Reports the timer when the code of a watched job made it. */
function noticeTimer(timer: NodeJS.Timeout): void {
  const job = local.getJob();
  const report = job === null ? undefined : watched.get(local.getReactor());
  if (job === null || report === undefined) return;
  // Libraries call unref() next, and until then the timer is not set.
  queueMicrotask(() => {
    if (timer.hasRef()) report(job, textOf(job));
  });
}

function textOf({ name }: Job<unknown>): string {
  return `the code of job ${name} uses a real timer: time that a test moves by hand does not move it, and a simulation cannot repeat it. Wait with local.sleep(), and read the time with local.now().`;
}
