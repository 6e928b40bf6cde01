import { ConflictError } from '../../errors.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { queueOf } from '../../reading/job-place.ts';
import type { Openings } from '../../store/reader.ts';
import type { CallbackRunner } from '../callbacks/callback-runner.ts';
import { handOver, systemJob } from '../callbacks/hand-over.ts';
import { abortAbandoned, type InterruptionDeps } from '../callbacks/interrupted-job.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { jobFields } from '../execution/outcome-log.ts';
import { placedIn } from '../jobs/job-drafts.ts';
import { logRecovered } from './recovery-log.ts';

/** The dependencies of the rescue. */
export interface OrphanRescueDeps extends InterruptionDeps {
  readonly callbacks: Pick<CallbackRunner, 'continueCallbacks'>;
}

/**
 * Rescues jobs that a process ran outside any agent, or whose callbacks it called, when it disappeared. No agent holds them,
 * so no dead dispatcher leads to them, and a program that only puts jobs has no dispatcher. So every poll looks which
 * openings of the store are alive, and when one has disappeared, one process looks for its jobs.
 */
export class OrphanRescue {
  readonly #context: RuntimeContext;
  readonly #deps: OrphanRescueDeps;
  /** Openings at the last look; null before the first. */
  #known: Openings | null = null;
  /** An opening has disappeared, and this process has not looked since: the process that had to look may have disappeared, too. */
  #isDue = false;
  /** Rescued jobs, which are left alone until the system job that continues them starts. */
  readonly #rescued = new Set<string>();

  constructor(deps: OrphanRescueDeps) {
    this.#context = deps.committer.context;
    this.#deps = deps;
  }

  /** Rescues the jobs of all processes that have disappeared by now, and returns them. */
  async rescueAll(): Promise<readonly JobRecord[]> {
    const rescued: JobRecord[] = [];
    for (const job of await this.#context.store.orphans()) {
      const name = await this.#nameOf(job);
      if (this.#rescued.has(name)) continue;
      try {
        await this.#rescue(job);
        rescued.push(job);
      } catch (error) {
        // Another process has changed it meanwhile.
        if (!(error instanceof ConflictError)) throw error;
      }
      this.#rescued.add(name);
    }
    return rescued;
  }

  /**
   * Looks for jobs when an opening has disappeared. One process does: the one with the oldest opening of those whose
   * dispatchers are activated. When it disappears before it has looked, the next one sees that.
   */
  async look(): Promise<void> {
    const { store } = this.#context;
    if (store.exclusive) return;
    const now = await store.openings();
    this.#isDue ||= hasOneDisappeared(this.#known, now);
    this.#known = now;
    if (!this.#isDue || store.epoch !== oldest(await store.list('representation', ''), now)) return;
    logRecovered(this.#context, await this.rescueAll());
    this.#isDue = false;
  }

  /**
   * Rescues one job. A job that was called outside any agent is aborted, unless it waits for another job. Callbacks are
   * continued by a system job, or here when the job belongs to no queue. A job that an agent holds, and whose callbacks no
   * process calls, is handed over as by a dead dispatcher.
   */
  async #rescue(job: JobRecord): Promise<void> {
    const { store, ids, uuid } = this.#context;
    const { committer } = this.#deps;
    if (job.state.startsWith('active')) {
      const aborted = await abortAbandoned(this.#deps, job);
      return aborted === null ? undefined : this.#rescue(aborted);
    }
    const queue = await queueOf(store, job);
    const by = { at: store.now(), assigner: uuid };
    if (queue !== null && job.state === 'callbacks' && job.parent !== null && 'agent' in job.parent) {
      const changes = handOver(job, { systemId: ids.newId(), queue, ...by });
      await committer.commit(uuid, changes, [ifUnchanged(job)]).written;
      return;
    }
    if (queue === null || (await store.get('queue', queue)) === undefined) return this.#continueHere(job);
    const system = systemJob(ids.newId(), systemNames.resumeCallbacks, job.id);
    await committer.commit(uuid, [placedIn(queue, system, by)], []).written;
  }

  async #continueHere(job: JobRecord): Promise<void> {
    const { store, log } = this.#context;
    const ended = this.#deps.callbacks.continueCallbacks(job);
    if (store.exclusive) return ended;
    // A poll does not wait for the code of a job.
    ended.catch((error: unknown) =>
      log.events(
        'CRITICAL',
        () => `could not continue the callbacks of ${jobLabel(job)}: ${String(error)}`,
        jobFields(job),
      ),
    );
  }

  /** Changes with every change of the job and its callbacks. */
  async #nameOf({ id, lastSeq }: JobRecord): Promise<string> {
    const { store } = this.#context;
    let newest = lastSeq;
    for (const { kind, record } of await store.callbacks(id)) {
      // A proxy does not change once it has chosen: its chosen job does.
      const chosen =
        kind === 'proxy' && record.chosen !== null ? await store.get('job', record.chosen) : undefined;
      newest = Math.max(newest, record.lastSeq, chosen?.lastSeq ?? 0);
    }
    return `${id} ${newest}`;
  }
}

/** Also an opening that came and disappeared between two looks. */
function hasOneDisappeared(known: Openings | null, now: Openings): boolean {
  if (known === null) return true;
  for (let epoch = known.newest + 1; epoch <= now.newest; epoch += 1) if (!now.alive.has(epoch)) return true;
  return [...known.alive].some((epoch) => !now.alive.has(epoch));
}

function oldest(all: readonly RepresentationRecord[], { alive }: Openings): number {
  const active = all.filter(({ state, epoch }) => state === 'activated' && alive.has(epoch));
  return Math.min(...active.map(({ epoch }) => epoch));
}
