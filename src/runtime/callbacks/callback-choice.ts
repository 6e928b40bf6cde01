import { ConflictError } from '../../errors.ts';
import { newJobRecord, stepJob } from '../../model/jobs/step.ts';
import type { ProxyRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Change } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';
import { creation } from '../jobs/job-drafts.ts';

/** Decides callback proxies: which of their branches is called. */
export class CallbackChoice {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Decides a proxy, once, from the outcome of its parent, and gives the id of the chosen job. A missing branch becomes a
   * job that passes the outcome on. What was added to the proxy before moves to the chosen job in the same commit.
   * @throws what a condition throws, and `UNKNOWN_CONDITION`.
   */
  async make(id: string, parent: string): Promise<string> {
    const engine = this.#engine;
    for (;;) {
      const proxy = await engine.store.get('proxy', id);
      if (proxy === undefined || proxy.chosen !== null) return proxy?.chosen ?? '';
      const made: Change[] = [];
      const branch = await this.#branch(proxy, parent);
      const chosen = branch ?? engine.ids.newId();
      if (branch === null) {
        const place = { parent: { proxy: id }, order: ['callback', 0] } as const;
        made.push(creation(newJobRecord(chosen, { name: systemNames.pass, ...place }), 'callback.add'));
      }
      const patch = { chosen };
      made.push({ kind: 'proxy', id, event: 'proxy.choose', from: null, to: null, patch });
      made.push(...(await this.#moves(proxy, chosen)));
      try {
        await engine.commit(engine.uuid, made, [{ what: 'rev', kind: 'proxy', id, rev: proxy.rev }]).written;
        return chosen;
      } catch (error) {
        // Something was added to it meanwhile, or somebody else decided.
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  async #branch(proxy: ProxyRecord, parent: string): Promise<string | null> {
    const engine = this.#engine;
    const outcome = (await engine.store.get('job', parent))?.outcome ?? null;
    const input =
      outcome === null || outcome.ok ? engine.decode(outcome?.value ?? null) : new Failure(outcome.failure);
    for (const { when, job } of proxy.branches) {
      if (engine.registry.condition(when).holds(input) === true) return job;
    }
    return proxy.otherwise;
  }

  /** What was added to the proxy before it was decided is called with the chosen job's outcome. */
  async #moves(proxy: ProxyRecord, chosen: string): Promise<readonly Change[]> {
    const branches = [...proxy.branches.map((branch) => branch.job), proxy.otherwise];
    const added = (await this.#engine.store.branches(proxy.id)).filter((job) => !branches.includes(job.id));
    return added.map((job) => stepJob(job, { type: 'callback.move', to: chosen }));
  }
}
