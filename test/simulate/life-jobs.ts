import {
  type Backoff,
  ConflictError,
  Detached,
  defineJob,
  detached,
  type JobDefinition,
  local,
  NeverRetry,
  type Queue,
  type RetryPolicy,
} from 'signalbox';

/** Asked again until it has had its turns: put back at the front, then held, then given up. */
export const turns: RetryPolicy = {
  ...NeverRetry,
  name: 'turns',
  startsOnce: false,
  jobError: (failure) =>
    failure.message === 'front' ? { after: 0 } : failure.message === 'later' ? { after: '7s' } : false,
  interrupted: (data) => ({ answer: { after: '3s' }, data }),
};

/** Waits in the time of the process that runs the job. */
function pause(ms: number): Promise<void> {
  const reactor = local.getReactor();
  return new Promise((resolve) => void reactor.callLater(ms, resolve));
}

/** As `pause`, and throws when the job is aborted. */
async function pauseOrThrow(ms: number): Promise<void> {
  await pauseUntilAborted(ms);
  local.signal.throwIfAborted();
}

/** As `pause`, and ends when the job is aborted. */
function pauseUntilAborted(ms: number): Promise<void> {
  const { signal } = local;
  const reactor = local.getReactor();
  return new Promise((resolve) => {
    const call = reactor.callLater(ms, resolve);
    signal.addEventListener('abort', () => {
      call.cancel();
      resolve();
    });
  });
}

/**
 * Jobs of every kind: short, long, failing, conflicting, put back, detached, with inner jobs, with jobs that they put.
 * The first is the plainest.
 *
 * @param called is called at the start of each call; it returns the number of the call, and records its end.
 * @param inner gives the queue in which jobs wait for others; null when the call belongs to no process.
 */
export function lifeJobs(
  called: () => { readonly count: number; readonly ended: () => void },
  inner: () => Queue | null,
): readonly JobDefinition<readonly [], unknown>[] {
  const job = (
    name: string,
    run: (calls: number) => unknown,
    retry?: RetryPolicy | Backoff,
    limits: { readonly timeout?: string; readonly grace?: string } = {},
  ) => {
    const watched = (): unknown => {
      const { count, ended } = called();
      try {
        const returned = run(count);
        if (returned instanceof Promise) returned.then(ended, ended);
        else if (!(returned instanceof Detached)) ended();
        return returned;
      } catch (error) {
        ended();
        throw error;
      }
    };
    return defineJob({ name, ...(retry === undefined ? {} : { retry }), ...limits, run: watched });
  };
  const plain = job('plain', () => 1);
  const slow = job('slow', () => pause(9000));
  const isInner = (): boolean => local.getQueue().name === 'inner';
  const definitions = [
    plain,
    slow,
    job('thrower', () => {
      throw new Error('it throws');
    }),
    job(
      'again',
      (calls) => {
        if (calls < 4) throw new Error(calls === 1 ? 'front' : 'later');
      },
      turns,
    ),
    job('inner', async () => (isInner() ? null : inner()?.put(plain as never))),
    job('innerSlow', async () => (isInner() ? null : inner()?.put(slow as never))),
    job('detached', () => detached(pause(12_000))),
    job('detachedThrow', () => detached(pause(6000).then(() => Promise.reject(new Error('late'))))),
    job('conflicting', async (calls) => {
      if (calls % 3 !== 0) throw new ConflictError({ subject: 'x', expected: '1', actual: '2' });
    }),
    // Longer than any process is stopped: so it also runs while its job is taken over.
    job('long', () => pause(70_000)),
    // Longer than the phase with faults: what was called for a lost job and is not aborted is seen after it.
    job('longer', () => pauseUntilAborted(300_000)),
    // They exceed their time: one stops then, the other is left behind.
    job('limited', () => pauseOrThrow(60_000), { maxAttempts: 2, delay: '2s' }, { timeout: '9s' }),
    job('deaf', () => pause(40_000), { maxAttempts: 2, delay: '2s' }, { timeout: '6s', grace: '2s' }),
    job('listening', () => pauseOrThrow(50_000), { maxAttempts: 3, delay: '1s' }),
    job('napper', (calls) => (calls < 3 && local.getAgentName() !== null ? local.snooze('4s') : calls)),
    job('never', () => pause(8000), NeverRetry),
    job('neverThrow', () => Promise.reject(new Error('once')), NeverRetry),
    job('adder', async () => {
      await local.getJob()?.addCallback(plain as never);
      await local.getQueue().put(plain() as never);
    }),
    job('live', async () => {
      await local.setLiveAnnotation('live', 'here');
      await pause(100);
    }),
    job('failing', async () => {
      await local.getQueue().put(plain() as never);
      await pause(20);
      throw new Error('what it put is dropped');
    }),
  ];
  return definitions as unknown as readonly JobDefinition<readonly [], unknown>[];
}
