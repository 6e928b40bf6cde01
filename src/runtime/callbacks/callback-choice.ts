import { ConflictError } from '../../errors.ts';
import { newJobRecord, stepJob } from '../../model/jobs/step.ts';
import type { ProxyRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import type { Change } from '../../store/store.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { creation } from '../jobs/job-drafts.ts';
import type { JobHandles } from '../jobs/job-like.ts';
import { callbackInput } from './callback-input.ts';

/** Decides callback proxies: which of their branches is called. */
export class CallbackChoice {
  readonly #work: UnitOfWork;
  readonly #handles: JobHandles;

  constructor(work: UnitOfWork, handles: JobHandles) {
    this.#work = work;
    this.#handles = handles;
  }

  /**
   * Decides a proxy, once, from the outcome of its parent, and returns the id of the chosen job. A missing branch
   * becomes a job that passes the outcome on. Callbacks of the proxy move to the chosen job in the same commit.
   * @throws what a condition throws, and `UNKNOWN_CONDITION`.
   */
  async make(id: string, parent: string): Promise<string> {
    const { context, committer } = this.#work;
    for (;;) {
      const proxy = await context.store.get('proxy', id);
      if (proxy === undefined || proxy.chosen !== null) return proxy?.chosen ?? '';
      const changes: Change[] = [];
      const branch = await this.#branch(proxy, parent);
      const chosen = branch ?? context.ids.newId();
      if (branch === null) {
        const place = { parent: { proxy: id }, line: 'callback' } as const;
        changes.push(creation(newJobRecord(chosen, { name: systemNames.pass, ...place }), 'callback.add'));
      }
      const patch = { chosen };
      changes.push({ kind: 'proxy', id, event: 'proxy.choose', from: null, to: null, patch });
      changes.push(...(await this.#moves(proxy, chosen)));
      try {
        await committer.commit(context.uuid, changes, [ifUnchanged(proxy, 'proxy')]).written;
        return chosen;
      } catch (error) {
        // A callback was added to it meanwhile, or another process has decided.
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  async #branch(proxy: ProxyRecord, parent: string): Promise<string | null> {
    const { store, registry } = this.#work.context;
    const outcome = (await store.get('job', parent))?.outcome ?? null;
    const input = await callbackInput(this.#work, this.#handles, outcome);
    for (const { when, job } of proxy.branches) {
      if (registry.condition(when).holds(input) === true) return job;
    }
    return proxy.otherwise;
  }

  /** Callbacks that were added to the proxy before its choice are called with the outcome of the chosen job. */
  async #moves(proxy: ProxyRecord, chosen: string): Promise<readonly Change[]> {
    const branches = [...proxy.branches.map((branch) => branch.job), proxy.otherwise];
    const added = (await this.#work.context.store.branches(proxy.id)).filter(
      (job) => !branches.includes(job.id),
    );
    return added.map((job) => stepJob(job, { type: 'callback.move', to: chosen }));
  }
}
