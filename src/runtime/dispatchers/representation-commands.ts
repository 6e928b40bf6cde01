import {
  newRepresentationContext,
  type RepresentationEvent,
} from '../../../machines/representation.machine.ts';
import { SignalboxError } from '../../errors.ts';
import { checkUuid } from '../../model/checks/names.ts';
import { stepRepresentation } from '../../model/jobs/step.ts';
import { isDead } from '../../model/monitoring/liveness.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { BufferedUnit } from '../commits/buffered-unit.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { announcementOf, type DispatcherEventName, type LifecycleHooks } from './lifecycle-hooks.ts';
import { logDead } from './recovery-log.ts';
import { releaseJobs } from './release-jobs.ts';

/** The dependencies of the commands. */
export interface RepresentationDeps {
  /** Each commit through it is its own. */
  readonly work: UnitOfWork;
  readonly hooks: LifecycleHooks;
  /** Aborts what runs here for a representation. */
  abortRuns(of: Pick<RepresentationRecord, 'queue' | 'dispatcher'>, reason: Error): void;
}

/** A step in the life of a dispatcher. `name` null: the chart announces nothing. */
interface LifecycleEvent {
  readonly name: DispatcherEventName | null;
  /** As it was before. */
  readonly record: RepresentationRecord;
  /** The jobs that it releases. */
  readonly released: readonly JobRecord[];
}

const removedAgent = {
  kind: 'agent' as const,
  event: 'agent.removed',
  from: null,
  to: null,
  patch: null,
  gone: true,
};

/** What an ended unit refuses, as errors name it. */
const transactionCall = 'tx.queue()';

/**
 * Changes the durable records of dispatchers in queues. A step of the chart, the release of jobs that it asks for, and what
 * the hooks add are one commit.
 *
 * Commands take the id of a representation (`<queue>/<uuid>`) and return the record after them.
 */
export class RepresentationCommands {
  readonly #context: RuntimeContext;
  readonly #deps: RepresentationDeps;

  constructor(deps: RepresentationDeps) {
    this.#context = deps.work.context;
    this.#deps = deps;
  }

  /** @throws SignalboxError `REPRESENTATION_NOT_FOUND`. */
  async read(id: string, work: UnitOfWork = this.#deps.work): Promise<RepresentationRecord> {
    const record = await work.readChecked('representation', id);
    if (record !== undefined) return record;
    const at = id.indexOf('/');
    throw new SignalboxError('REPRESENTATION_NOT_FOUND', { uuid: id.slice(at + 1), queue: id.slice(0, at) });
  }

  /** Sends an event that changes settings or records a sign of life. */
  async send(
    id: string,
    event: RepresentationEvent,
    work: UnitOfWork = this.#deps.work,
  ): Promise<RepresentationRecord> {
    await retryConflicts(5, async () => {
      const record = await this.read(id, work);
      await work.submit([stepRepresentation(record, event)], [ifUnchanged(record, 'representation')]);
    });
    return this.read(id, work);
  }

  /** Adds a representation that is not activated and has no ping. @throws ConflictError when there is one; SignalboxError `INVALID_OPTION`. */
  async register(queue: string, uuid: string): Promise<RepresentationRecord> {
    checkUuid(uuid);
    const id = `${queue}/${uuid}`;
    const context = newRepresentationContext({ queue, dispatcher: uuid });
    const { pingInterval, pingDeathInterval } = context;
    const record: RepresentationRecord = { id, v: 1, rev: 0, lastSeq: 0, state: 'registered', ...context };
    const change = {
      kind: 'representation' as const,
      id,
      event: 'representation.register',
      from: null,
      to: 'registered',
      patch: { queue, dispatcher: uuid, pingInterval, pingDeathInterval },
    };
    const unit = this.#newUnit();
    await unit.submit([change], [ifUnchanged(record, 'representation')]);
    const event = { name: 'dispatcherRegistered', record, released: [] } as const;
    await this.#runHooks(unit, event);
    return this.#commitAndPublish(unit, event);
  }

  /** Removes a representation with its agents. @throws BadStatusError when it is activated. */
  async unregister(id: string, work: UnitOfWork = this.#deps.work): Promise<RepresentationRecord> {
    const record = await this.read(id, work);
    const unit = this.#newUnit();
    return this.#commitAndPublish(
      unit,
      await this.#step(unit, record, { type: 'representation.unregister' }),
    );
  }

  /** Releases what its agents hold and activates it. @throws BadStatusError when it is activated. */
  async activate(id: string): Promise<RepresentationRecord> {
    const { store } = this.#context;
    await this.#move(id, () => ({ type: 'representation.activate', at: store.now(), epoch: store.epoch }));
    const record = await this.read(id);
    // A deactivation that failed left the code running.
    this.#deps.abortRuns(record, new Error('the dispatcher was activated again'));
    return record;
  }

  /** Activates a dispatcher again that is alive although it was deactivated. Releases nothing. */
  async reactivate(id: string): Promise<RepresentationRecord> {
    const { store } = this.#context;
    await this.#move(id, () => ({ type: 'representation.reactivate', at: store.now(), epoch: store.epoch }));
    return this.read(id);
  }

  /** Deactivates it and releases its jobs. @throws BadStatusError when it is not activated. */
  async deactivate(id: string): Promise<RepresentationRecord> {
    await this.release(id);
    return this.read(id);
  }

  /** Deactivates it and returns the jobs that it releases. @throws BadStatusError when it is not activated. */
  async release(id: string): Promise<readonly JobRecord[]> {
    const event = await this.#move(id, () => ({ type: 'representation.deactivate' }));
    this.#deactivated(await this.read(id));
    return event?.released ?? [];
  }

  /**
   * Deactivates it while it counts as dead, and logs what it held: a sign of life that came meanwhile is seen. Returns whether
   * it was dead.
   * @throws BadStatusError when it is not activated.
   */
  async deactivateIfDead(id: string): Promise<boolean> {
    const { store } = this.#context;
    const event = await this.#move(
      id,
      () => ({ type: 'representation.deactivate' }),
      (record) => isDead(record, store.now()),
    );
    if (event === null) return false;
    logDead(this.#context, event.record, event.released);
    this.#deactivated(await this.read(id));
    return true;
  }

  /**
   * Deactivates a dispatcher in all of these queues where this process has activated it, in one commit. Returns the jobs that
   * it releases.
   */
  deactivateIn(uuid: string, queues: Iterable<string>): Promise<readonly JobRecord[]> {
    const names = [...queues];
    return retryConflicts(
      5,
      async () => {
        const unit = this.#newUnit();
        const events: LifecycleEvent[] = [];
        for (const queue of names) {
          const record = await unit.readChecked('representation', `${queue}/${uuid}`);
          if (record?.state !== 'activated' || record.epoch !== this.#context.store.epoch) continue;
          events.push(await this.#step(unit, record, { type: 'representation.deactivate' }));
        }
        if (events.length > 0) await this.#commitAndPublish(unit, ...events);
        // Also where another process took it for dead and was faster: the code runs here all the same.
        for (const queue of names) this.#deactivated({ queue, dispatcher: uuid });
        return events.flatMap(({ released }) => released);
      },
      { except: 'job' },
    );
  }

  #deactivated(of: Pick<RepresentationRecord, 'queue' | 'dispatcher'>): void {
    this.#deps.abortRuns(of, new Error('the dispatcher was deactivated'));
  }

  #newUnit(): BufferedUnit {
    return new BufferedUnit(this.#deps.work, transactionCall);
  }

  /** Steps the chart from the stored record, as long as `isWanted` holds for that. Null when it does not. */
  #move(
    id: string,
    event: () => RepresentationEvent,
    isWanted: (record: RepresentationRecord) => boolean = () => true,
  ): Promise<LifecycleEvent | null> {
    return retryConflicts(
      5,
      async () => {
        const record = await this.read(id);
        if (!isWanted(record)) return null;
        const unit = this.#newUnit();
        const step = await this.#step(unit, record, event());
        await this.#commitAndPublish(unit, step);
        return step;
      },
      { except: 'job' },
    );
  }

  /** Steps the chart and buffers what its effects ask for: the release of jobs first, hooks last. */
  async #step(
    unit: BufferedUnit,
    record: RepresentationRecord,
    event: RepresentationEvent,
  ): Promise<LifecycleEvent> {
    const step = stepRepresentation(record, event);
    let released: readonly JobRecord[] = [];
    if (step.effects.some((effect) => effect.type === 'cleanAgents')) {
      const { changes, expect, held } = await releaseJobs(this.#context, record);
      await unit.submit(changes, expect);
      released = held.filter(({ state }) => state !== 'completed');
    }
    const about = { name: announcementOf(step), record, released };
    const expect = [ifUnchanged(record, 'representation')];
    if (about.name !== 'dispatcherUnregistered') await unit.submit([step], expect);
    else {
      const agents = await unit.list('agent', `${record.id}/`);
      const removed = agents.map(({ id }) => ({ ...removedAgent, id }));
      await unit.submit([{ ...step, patch: null, gone: true }, ...removed], expect);
    }
    await this.#runHooks(unit, about);
    return about;
  }

  /** Lets the hooks add to the commit. They see the representation as the commit will leave it. */
  async #runHooks(unit: BufferedUnit, { name, record }: LifecycleEvent): Promise<void> {
    if (name === null) return;
    const now = (await unit.read('representation', record.id)) ?? record;
    await this.#deps.hooks.before(name, now, unit);
  }

  /** Commits what a unit has buffered, then notifies the listeners. Returns the first representation as it is then. */
  async #commitAndPublish(
    unit: BufferedUnit,
    ...events: readonly LifecycleEvent[]
  ): Promise<RepresentationRecord> {
    const { work, hooks } = this.#deps;
    await work.committer.commit(this.#context.uuid, unit.changes, unit.end()).synced;
    unit.committed();
    const records: RepresentationRecord[] = [];
    for (const { name, record } of events) {
      const now = (await work.readChecked('representation', record.id)) ?? record;
      records.push(now);
      if (name !== null) hooks.after(name, now);
    }
    return records[0] as RepresentationRecord;
  }
}
