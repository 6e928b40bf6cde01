import type { Json } from '../../../../machines/json.ts';
import { BadStatusError, ConflictError, ReassignedError, SignalboxError } from '../../../errors.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import { isSystemJob } from '../../../model/records/system-names.ts';
import { progressAnnotation } from '../../../model/values/progress.ts';
import { type Passing, passing } from '../../../reading/search/passing.ts';
import { type Search, searchOf } from '../../../reading/search/search.ts';
import { cancelJob } from '../../callbacks/cancel-job.ts';
import { retryJob } from '../../callbacks/retry-job.ts';
import { retryForever } from '../../commits/retry.ts';
import { isStoreAway, isStoreClosed, type RetryRule, retryRules } from '../../commits/retry-rules.ts';
import { nextTurn } from '../../environment/reactor/next-turn.ts';
import type { Run } from '../../execution/run.ts';
import type { HandleServices } from '../../handles/services.ts';
import { annotationChange } from '../../jobs/annotations.ts';
import { changeJob } from '../../jobs/change-job.ts';
import type { BulkCounts, BulkRequest, BulkResult } from './bulk-request.ts';
import { PageUnit } from './page-unit.ts';
import { removeJob } from './remove-job.ts';

/** How many jobs one commit changes, and how many are looked at for them. */
const mostInPage = 500;
const mostLooked = 20_000;
/** How many of them in one turn of the event loop. */
const mostInTurn = 50;
const mostFailed = 100;

/** How far it has come: it is stored with each page. */
type Place = BulkCounts & {
  /** Behind what it has looked at; null: it has not begun, or is over. */
  readonly after: string | null;
  readonly isOver: boolean;
};

const beginning: Place = { matched: 0, done: 0, skipped: 0, failed: [], after: null, isOver: false };

/** A page is taken again after a conflict, and when the store is back. Anything else is wrong with the request, or with this code. */
const rule: RetryRule = {
  ...retryRules.step,
  judge: (error) =>
    error instanceof ConflictError || isAboutStore(error) ? retryRules.step.judge(error) : 'ends',
};

/** What happened to a job. */
type Effect = 'done' | 'skipped' | { readonly code: string };

const none: ReadonlySet<string> = new Set();

/**
 * The work of one bulk job: page after page, each in one commit with the place behind it and the counts. So it goes on where it was
 * after a crash, and each job is worked on once. A page whose commit is refused is done in smaller ones, down to one job, which then is
 * the only one that fails.
 */
export class BulkRun {
  readonly #services: HandleServices;
  readonly #run: Run;
  readonly #request: BulkRequest;
  #most = mostInPage;
  /** The job whose commit was refused, and why: it is counted as that. */
  #refused: { readonly id: string; readonly code: string } | null = null;

  constructor(services: HandleServices, run: Run, request: BulkRequest) {
    this.#services = services;
    this.#run = run;
    this.#request = request;
  }

  /** @throws the reason of the abort when it is to stop; SignalboxError `INVALID_FILTER`. */
  async result(): Promise<BulkResult> {
    const { store } = this.#run.context;
    const search = await this.#insist(() => searchOf(store, this.#request.filter));
    let place = await this.#insist(() => this.#place());
    while (!place.isOver) {
      const from = place;
      if (this.#run.isAborted) throw this.#run.signal.reason;
      place = await this.#insist(() => this.#page(search, from));
    }
    const { matched, done, skipped, failed } = place;
    return { matched, done, skipped, failed, until: this.#request.until };
  }

  #insist<Result>(step: () => Promise<Result>): Promise<Result> {
    const { context, job } = this.#run;
    return retryForever(context, () => `working on a page of bulk job ${job.id}`, step, { rule });
  }

  async #place(): Promise<Place> {
    const { store } = this.#run.context;
    const known = await store.get('annotation', `${this.#run.job.id}/${progressAnnotation}`);
    return (known?.value as { readonly bulk?: Place } | undefined)?.bulk ?? beginning;
  }

  /** Works on a page and commits it. Gives the place behind it: the same one when the page was refused and is to be smaller. */
  async #page(search: Search, place: Place): Promise<Place> {
    const { work } = this.#services;
    const { limit, dryRun } = this.#request;
    const most = Math.min(this.#most, (limit ?? Number.POSITIVE_INFINITY) - place.matched);
    const { found, next } = await this.#find(search, place, most);
    const unit = new PageUnit(work, found);
    const effects = await this.#effectsOn(unit, found);
    const counts = counted(place, effects);
    const isOver = next === null || counts.matched >= (limit ?? Number.POSITIVE_INFINITY);
    const after: Place = { ...counts, after: next, isOver };
    const expect = dryRun ? [] : unit.end();
    try {
      const changes = [...(dryRun ? [] : unit.changes), this.#noted(after)];
      await work.committer.commit(this.#run.by, changes, [...expect, ...this.#run.preconditions]).synced;
    } catch (error) {
      if (isAboutStore(error) || found.length === 0) throw error;
      return this.#smaller(place, found, error);
    }
    if (!dryRun) unit.committed();
    this.#most = Math.min(mostInPage, this.#most * 2);
    this.#refused = null;
    return after;
  }

  #find({ request }: Search, { after }: Place, most: number): Promise<Passing<JobRecord>> {
    const { store, reactor } = this.#run.context;
    return passing(
      store,
      { ...request, limit: most, look: mostLooked, ...(after !== null && { after }) },
      async (job) => (this.#isMeant(job) ? job : null),
      () => nextTurn(reactor),
    );
  }

  /** Jobs from before, and none of Signalbox itself. Callbacks belong to their jobs. */
  #isMeant({ name, parent, createdSeq }: JobRecord): boolean {
    const isCallback = parent !== null && ('job' in parent || 'proxy' in parent);
    return createdSeq < this.#run.job.createdSeq && !isSystemJob(name) && !isCallback;
  }

  async #effectsOn(
    unit: PageUnit,
    found: readonly JobRecord[],
  ): Promise<readonly [id: string, effect: Effect][]> {
    const { action } = this.#request;
    const { store, reactor } = this.#run.context;
    const referred = action === 'remove' ? await store.referred(found.map(({ id }) => id)) : none;
    const effects: [id: string, effect: Effect][] = [];
    for (const [index, job] of found.entries()) {
      if (index % mostInTurn === 0) {
        if (index > 0) await nextTurn(reactor);
        if (action === 'cancel') await unit.askForCallbacks(found.slice(index, index + mostInTurn));
      }
      effects.push([job.id, await this.#effectOn(unit, job, referred)]);
    }
    return effects;
  }

  async #effectOn(unit: PageUnit, { id }: JobRecord, referred: ReadonlySet<string>): Promise<Effect> {
    if (this.#refused?.id === id) return { code: this.#refused.code };
    // One that was cancelled with a job before it is as that has left it.
    const job = await unit.readChecked('job', id);
    const before = unit.changes.length;
    try {
      if (job !== undefined) await this.#act(unit, job, referred.has(id));
      return unit.changes.length > before ? 'done' : 'skipped';
    } catch (error) {
      if (isAboutStore(error)) throw error;
      return isRefusal(error) ? 'skipped' : { code: codeOf(error) };
    }
  }

  async #act(unit: PageUnit, job: JobRecord, isReferred: boolean): Promise<void> {
    const { action, by, reason, priority } = this.#request;
    if (action === 'cancel')
      await cancelJob(this.#services.callbacks, unit, job.id, { by, reason, cascade: true });
    else if (action === 'retry') await retryJob(unit, job.id, { args: null, at: null });
    else if (action === 'remove') await removeJob(unit, job, isReferred);
    else await changeJob(unit, job.id, { type: 'priority.set', priority: priority ?? 0 });
  }

  /** How far it has come, which is its progress as well. */
  #noted(place: Place): ReturnType<typeof annotationChange> {
    const { matched, done, skipped } = place;
    const note = `${this.#request.action}: ${done} done, ${skipped} skipped, ${matched - done - skipped} failed`;
    const value = {
      done: matched,
      total: this.#request.limit,
      note,
      at: this.#run.context.now(),
      bulk: place,
    };
    return annotationChange(this.#run.job.id, progressAnnotation, value as unknown as Json);
  }

  #smaller(place: Place, found: readonly JobRecord[], error: unknown): Place {
    if (found.length > 1) this.#most = Math.ceil(found.length / 2);
    else if (error instanceof ConflictError) throw error;
    else this.#refused = { id: found[0]?.id ?? '', code: codeOf(error) };
    return place;
  }
}

function counted(place: BulkCounts, effects: readonly (readonly [id: string, effect: Effect])[]): BulkCounts {
  let { matched, done, skipped } = place;
  const failed = [...place.failed];
  for (const [id, effect] of effects) {
    matched += 1;
    if (effect === 'done') done += 1;
    else if (effect === 'skipped') skipped += 1;
    else if (failed.length < mostFailed) failed.push({ id, code: effect.code });
  }
  return { matched, done, skipped, failed };
}

/** The job says no: it has ended, has not, is a duplicate, or is gone. */
function isRefusal(error: unknown): boolean {
  if (error instanceof BadStatusError) return true;
  return error instanceof SignalboxError && ['DUPLICATE_JOB', 'JOB_NOT_FOUND'].includes(error.code);
}

/** It says nothing about a job. */
function isAboutStore(error: unknown): boolean {
  if (error instanceof ReassignedError || isStoreAway(error) || isStoreClosed(error)) return true;
  return error instanceof SignalboxError && error.code === 'BOX_STOPPED';
}

function codeOf(error: unknown): string {
  return error instanceof SignalboxError ? error.code : error instanceof Error ? error.name : typeof error;
}
