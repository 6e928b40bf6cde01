import {
  agent,
  type Dispatcher,
  defineJob,
  installAgent,
  type Job,
  type Logger,
  local,
  NeverRetry,
  parallel,
  RetryCommonForever,
  type RetryPolicy,
  type Signalbox,
  SignalboxError,
} from 'signalbox';
import type { Scribe } from './ledger.ts';

/** Slots of the quota that jobs named `narrow` share. */
export const quotaSize = 2;

/** How the jobs of a worker are defined. */
export interface WorkloadOptions {
  readonly ledger: Scribe;
  /** The name of the process in the ledger. */
  readonly worker: string;
  /** For every job but `once`. Default: that of the runtime. */
  readonly retry?: RetryPolicy;
  /** How much longer than the others `narrow` runs, so that more want in than there are slots. */
  readonly narrowMs: number;
}

/** Runs for so long and gives its id. Its start and its end are lines in the ledger before anything else happens. */
export function notedBy({
  ledger,
  worker,
}: Pick<WorkloadOptions, 'ledger' | 'worker'>): (ms: number) => Promise<string> {
  return async (ms) => {
    const record = local.getJob()?.record;
    const { signal } = local;
    const id = record?.id ?? '?';
    const write = (word: string): void =>
      ledger(`${word} ${id} ${record?.name} ${worker} ${record?.claim} ${record?.activeStart} ${Date.now()}`);
    let isOver = false;
    const end = (): void => {
      if (!isOver) write('end');
      isOver = true;
      signal.removeEventListener('abort', end);
    };
    write('start');
    // The rest of a call whose job was reassigned counts for nothing.
    signal.addEventListener('abort', end);
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    end();
    return id;
  };
}

/** The jobs that workers of every store have. */
export function workloadOf(options: WorkloadOptions) {
  const { retry, narrowMs } = options;
  const run = notedBy(options);
  const again = retry === undefined ? {} : { retry };
  return {
    put: {
      plain: defineJob({ name: 'plain', ...again, run }),
      chained: defineJob({ name: 'chained', ...again, run }),
      narrow: defineJob({
        name: 'narrow',
        ...again,
        quotas: ['narrow'],
        run: (ms: number) => run(ms + narrowMs),
      }),
      once: defineJob({ name: 'once', retry: NeverRetry, run }),
      /** Only some processes know it: see `knownTo`. */
      renewed: defineJob({ name: 'renewed', retry: RetryCommonForever, run }),
      /** Every process knows it, and only some know its callback. */
      handing: defineJob({ name: 'handing', retry: RetryCommonForever, run }),
    },
    inner: defineJob({ name: 'inner', ...again, run }),
    note: defineJob({ name: 'note', ...again, run: () => run(0) }),
  };
}

/** What a process knows: before a deploy all but the definition that the deploy adds. */
export function knownTo<Definition extends { readonly definition: { readonly name: string } }>(
  isDeployed: boolean,
  definitions: readonly Definition[],
): readonly Definition[] {
  return isDeployed ? definitions : definitions.filter(({ definition }) => definition.name !== 'renewed');
}

/** What a process can put: a put needs the definitions of the job and of its callbacks. */
export function kindsOf<Kind extends string>(isDeployed: boolean, kinds: readonly Kind[]): readonly Kind[] {
  return isDeployed ? kinds : kinds.filter((kind) => kind !== 'renewed' && kind !== 'handing');
}

/** A job of a kind with its callbacks; `fan` is a parallel job. */
export async function jobOf<Kind extends string>(
  {
    put,
    inner,
    note,
  }: Omit<ReturnType<typeof workloadOf>, 'put'> & {
    readonly put: Readonly<Record<Exclude<Kind, 'fan'>, (ms: number) => Job<unknown>>>;
  },
  kind: Kind,
  ms: number,
  callbacks: number,
): Promise<Job<unknown>> {
  const job: Job<unknown> =
    kind === 'fan' ? parallel([inner(ms), inner(0)]) : put[kind as Exclude<Kind, 'fan'>](ms);
  for (let left = callbacks; left > 0; left -= 1)
    await job.addCallback(kind === 'handing' ? put['renewed' as Exclude<Kind, 'fan'>](0) : note);
  return job;
}

/** Starts a box with two agents: jobs that wait for others keep their slots, so they have one of their own. */
export function startAgents(
  box: Signalbox,
  { size, pollInterval, queues }: { size: number; pollInterval: number; queues?: readonly string[] },
): Promise<Dispatcher> {
  const fans = agent({ size: 50, filter: { jobs: ['signalbox.parallel'] } });
  installAgent(box, { name: 'fans', settings: fans, ...(queues && { queues }) });
  const others = agent({ size, filter: { notJobs: ['signalbox.parallel'] } });
  return box.start({ agent: others, pollInterval });
}

/** Separates results of former holders, which were refused, from the other errors that are logged. */
export function errorLogger(onStale: () => void, onOther: (message: string) => void): Logger {
  const ignore = (): void => {};
  const error: Logger['error'] = ({ err }, message) => {
    const isStale = err instanceof SignalboxError && err.code === 'REASSIGNED';
    if (isStale || message.includes('nothing was written')) onStale();
    else onOther(message);
  };
  return { debug: ignore, info: ignore, warn: ignore, error, fatal: error };
}
