import type { Mutant } from '../mutants/mutant.ts';
import { actorMutants } from './actors/mutants.ts';
import type { StoreKind } from './run-seed.ts';

/** A mutant that seeds must find, and the stores on which it can show. */
export interface SimulationMutant extends Mutant {
  readonly stores: readonly StoreKind[];
}

const both: readonly StoreKind[] = ['memory', 'json'];
const all: readonly StoreKind[] = ['memory', 'json', 'postgres'];

/** One safeguard each, without which a promise is broken. */
export const mutants: readonly SimulationMutant[] = [
  {
    name: 'no-fence',
    without: 'the refusal of what a former holder writes',
    stores: all,
    edits: [
      {
        file: 'src/store/rules/preconditions.ts',
        find: 'if (job?.epoch !== precondition.epoch || job.claim !== precondition.claim)',
        replace: 'if (job?.epoch !== precondition.epoch)',
      },
      // Without the token only the state distinguishes two attempts: that last defence is removed, too.
      {
        file: 'src/runtime/execution/retry-commit.ts',
        find: "if (!isSameCall(job, now) || now === undefined) return 'lost';",
        replace: "if (now === undefined) return 'lost';",
      },
    ],
  },
  {
    name: 'token-kept-at-take-over',
    without: 'the new token of a job that is handed to a system job',
    stores: all,
    edits: [
      {
        file: 'machines/job.changes.ts',
        find: 'parent: { system: event.system }, line: null, claim: context.claim + 1',
        replace: 'parent: { system: event.system }, line: null, claim: context.claim',
      },
    ],
  },
  {
    name: 'quota-by-plain-count',
    without: 'the slots that a claim has taken itself',
    stores: both,
    edits: [
      {
        file: 'src/store/rules/parking/spent.ts',
        find: 'if (!job.quotas.includes(limit.id)) limit.taken += 1;',
        replace: '',
      },
    ],
  },
  {
    name: 'no-idempotency-key',
    without: 'the look for a job that was put under the same id',
    stores: all,
    edits: [
      {
        file: 'src/runtime/jobs/job-drafts.ts',
        find: 'if (present === undefined) return false;',
        replace: "if (present === undefined || id !== '') return false;",
      },
    ],
  },
  {
    name: 'acknowledged-first',
    without: 'the wait of a caller for the sync',
    stores: all,
    edits: [
      {
        file: 'src/runtime/commits/unit-of-work.ts',
        find: "return this.committer.commit('client', changes, expect).synced;",
        replace: "this.committer.commit('client', changes, expect);\n    return Promise.resolve();",
      },
    ],
  },
  {
    name: 'callbacks-before-commit',
    without: 'the wait of callbacks for the commit of the outcome',
    stores: all,
    edits: [
      {
        file: 'src/runtime/execution/completer.ts',
        find: 'committer.whenSynced(ticket, () => {\n      const tearDown',
        replace: 'queueMicrotask(() => {\n      const tearDown',
      },
    ],
  },
  {
    name: 'client-clock',
    without: 'the clock of the store in pings',
    stores: all,
    edits: [
      {
        file: 'src/runtime/dispatchers/registration.ts',
        find: "{ type: 'ping', at: store.now() }",
        replace: "{ type: 'ping', at: deps.work.context.reactor.now() }",
      },
    ],
  },
  {
    name: 'due-by-client-clock',
    without: 'the clock of the store in due times',
    stores: all,
    edits: [
      {
        file: 'src/runtime/jobs/put-batch.ts',
        find: 'this.#now = work.context.store.now();',
        replace: 'this.#now = work.context.reactor.now();',
      },
    ],
  },
  {
    name: 'no-self-abort',
    without: 'the abort of the code of a job that was reassigned',
    stores: all,
    edits: [
      {
        file: 'src/runtime/dispatchers/registration.ts',
        find: "deps.abortRuns(record, new Error('the dispatcher was taken for dead'));",
        replace: '',
      },
    ],
  },
  {
    name: 'called-after-abort',
    without: 'the question who holds a job that was claimed before an abort and is called after it',
    // On json no stall of the first 200 seeds shows it.
    stores: ['memory', 'postgres'],
    edits: [
      {
        file: 'src/runtime/agents/worker-slots.ts',
        find: 'this.#aborts += 1;',
        replace: '',
      },
    ],
  },
  {
    name: 'lost-wake-up',
    without: 'the outcome for a job that waits for another',
    stores: all,
    edits: [
      {
        file: 'src/runtime/commits/committer.ts',
        find: 'if (written.length > 0) this.#effects.outcomesWritten(written.map((one) => one.job));',
        replace: '',
      },
    ],
  },
  {
    name: 'nothing-handed-on',
    without: 'the system job for what a dead dispatcher ran',
    stores: all,
    edits: [
      {
        file: 'src/runtime/dispatchers/release-jobs.ts',
        find: 'else changes.push(...handOver(job, { systemId: newId(), queue, at, assigner }));',
        replace: '',
      },
    ],
  },
  {
    name: 'complete-over-callbacks',
    without: 'the refusal of COMPLETED while a callback has not begun',
    stores: all,
    edits: [
      {
        file: 'src/store/rules/preconditions.ts',
        find: "precondition.check === 'noUnstartedCallback' && tables.callbacks.hasUnstarted(id)",
        replace: "precondition.check === 'noUnstartedCallback' && false",
      },
    ],
  },
  {
    name: 'no-deadline',
    without: 'the deadline of a waiting job',
    stores: all,
    edits: [
      { file: 'src/model/jobs/deadline.ts', find: 'return hasDeadline(job) &&', replace: 'return false &&' },
    ],
  },
  {
    name: 'held-jobs-early',
    without: 'the earliest start of a waiting job',
    stores: both,
    edits: [
      {
        file: 'src/store/rules/claim-rules.ts',
        find: 'until: now,',
        replace: 'until: Number.POSITIVE_INFINITY,',
      },
      {
        file: 'src/store/rules/claim-verdict.ts',
        find: 'if ((job.beginAfter ?? 0) > now)',
        replace: 'if ((job.beginAfter ?? 0) > Number.POSITIVE_INFINITY)',
      },
    ],
  },
  {
    name: 'priority-ignored',
    without: 'the level in the order of claims',
    stores: all,
    edits: [
      {
        file: 'src/model/jobs/priority.ts',
        find: 'instants + levels * agingMs || levels',
        replace: 'instants || levels',
      },
      {
        file: 'src/store/postgres/sql/commit.ts',
        find: 'ELSE o.top + o.level * p_aging END',
        replace: 'ELSE o.top END',
      },
    ],
  },
  {
    name: 'pause-ignored',
    without: 'the refusal of lanes that are paused',
    stores: all,
    edits: [
      {
        file: 'src/model/jobs/pauses.ts',
        find: 'if (pauses.length === 0) return accepts;',
        replace: 'if (pauses.length >= 0) return accepts;',
      },
    ],
  },
  {
    name: 'start-once-unsynced',
    without: 'the sync of a start that must not be repeated',
    stores: ['json'],
    edits: [
      {
        file: 'src/runtime/agents/claim-changes.ts',
        find: 'policy !== undefined && !startsSynced(policy)',
        replace: 'policy !== undefined',
      },
    ],
  },
  {
    name: 'written-is-synced',
    without: 'the sync of the journal',
    stores: ['json'],
    edits: [
      {
        file: 'src/store/in-memory/committer.ts',
        find: 'this.#log.sync().then(',
        replace: 'Promise.resolve().then(',
      },
    ],
  },
  {
    name: 'quota-uncounted',
    without: 'the slots of a quota that are taken, inside the statement of a claim',
    stores: ['postgres'],
    edits: [
      {
        file: 'src/store/postgres/sql/commit.ts',
        find: '(SELECT min(q.size - t.used) FROM',
        replace: '(SELECT min(q.size) FROM',
      },
    ],
  },
  {
    name: 'lost-is-aborted',
    without: 'the question what became of a statement whose connection was lost',
    stores: ['postgres'],
    edits: [
      {
        file: 'src/store/postgres/commits/outcomes.ts',
        find: 'if (row === undefined) return null;',
        replace: 'if (row !== null) return null;',
      },
    ],
  },
  {
    name: 'sync-that-does-not-flush',
    without: 'the flush of the log before anyone hears of what was written',
    stores: ['postgres'],
    edits: [
      {
        file: 'src/store/postgres/commits/syncing.ts',
        find: 'pg_logical_emit_message(true,',
        replace: 'pg_logical_emit_message(false,',
      },
    ],
  },
  {
    name: 'lease-revision-kept',
    without: 'the revision of a lease that everyone raises who changes it, or a job that it holds',
    stores: ['postgres'],
    edits: [
      {
        file: 'src/store/postgres/sql/commit.ts',
        find: 'rev = l.rev + 1',
        replace: 'rev = l.rev',
      },
      // Nor does its holder count with it: he would be refused, and read again.
      {
        file: 'src/store/postgres/commits/draft.ts',
        find: 'own.keep(token, ids.length === 0 ? null : { token, rev: rev + 1,',
        replace: 'own.keep(token, ids.length === 0 ? null : { token, rev,',
      },
    ],
  },
  {
    name: 'limit-unwatched',
    without: 'the watch over the time limits of an attempt',
    stores: all,
    edits: [
      {
        file: 'src/runtime/stops/attempt-limits.ts',
        find: 'if (timeout === null && deadline === null && heartbeat === null) return;',
        replace: 'if (heartbeat === null) return;',
      },
    ],
  },
  {
    name: 'stop-looked-for-once',
    without: 'the look of each poll for what is to stop here',
    stores: both,
    edits: [
      {
        file: 'src/runtime/dispatchers/poller.ts',
        find: 'this.#deps.stops.lookAgain(this.#held)',
        replace: 'this.#deps.stops.lookAgain([])',
      },
    ],
  },
  {
    name: 'cancelled-tried-again',
    without: 'the end of a cancelled job whose process was lost',
    stores: all,
    edits: [
      {
        file: 'src/runtime/callbacks/interruption-event.ts',
        find: "if (state === 'active.cancelling') return { type: 'job.cancelled', at, failure };",
        replace: '',
      },
      {
        file: 'machines/job.machine.ts',
        find: "'job.cancelled': { target: '#job.callbacks', actions: 'keepCancelled' },",
        replace:
          "...madeAgain,\n            'job.cancelled': { target: '#job.callbacks', actions: 'keepCancelled' },",
      },
    ],
  },
  {
    name: 'key-beyond-its-size',
    without: 'the slots that others hold of a key',
    stores: both,
    edits: [
      {
        file: 'src/store/rules/parking/room.ts',
        find: 'const taken = tables.jobs.quotaHolders(id).size;',
        replace: 'const taken = quota.keyed ? 0 : tables.jobs.quotaHolders(id).size;',
      },
    ],
  },
  {
    name: 'rate-not-written',
    without: 'the record of what a rate has given',
    stores: both,
    edits: [
      {
        file: 'src/store/rules/parking/spent.ts',
        find: 'of this.#rated)',
        replace: 'of [] as Spending[])',
      },
    ],
  },
  {
    name: 'parked-for-ever',
    without: 'the parked jobs that are let out when their key has room',
    stores: both,
    edits: [
      {
        file: 'src/store/rules/parking/parking.ts',
        find: 'while (free > 0 && this.#letOut(bucket, free)) isAny = true;',
        replace: 'if (free < 0) isAny = this.#letOut(bucket);',
      },
      // The net of the polls would find them.
      {
        file: 'src/store/rules/parking/parking.ts',
        find: 'if (isPoll) this.#letOutOneMore(roomOf);',
        replace: 'if (isPoll && this.#keys.size < 0) this.#letOutOneMore(roomOf);',
      },
    ],
  },
  {
    name: 'tick-without-rev',
    without: 'the schedule as it was read among what a tick expects',
    stores: both,
    edits: [
      {
        file: 'src/runtime/schedules/tick.ts',
        find: "[ifUnchanged(schedule, 'schedule'), ...(conditions?.expect ?? []), ...unit.end()]",
        replace: '[...(conditions?.expect ?? []), ...unit.end()]',
      },
    ],
  },
  {
    name: 'tick-under-any-id',
    without: 'the id of a job that is made of the schedule and the tick, and the schedule as it was read',
    stores: both,
    edits: [
      {
        file: 'src/runtime/schedules/tick.ts',
        find: 'const job = tickJobId(id, tick);',
        replace: 'const job = work.context.ids.newId();',
      },
      {
        file: 'src/runtime/schedules/tick.ts',
        find: "[ifUnchanged(schedule, 'schedule'), ...(conditions?.expect ?? []), ...unit.end()]",
        replace: '[...(conditions?.expect ?? []), ...unit.end()]',
      },
    ],
  },
  {
    name: 'tick-before-its-job',
    without: 'the job in the commit of its tick',
    stores: both,
    edits: [
      {
        file: 'src/runtime/schedules/tick.ts',
        find: 'await work.committer.commit(uuid, [...unit.changes, ...changes], expect).written;',
        replace:
          'await work.committer.commit(uuid, [...unit.changes, step], expect).written;\n  if (changes.length > 1) await work.committer.commit(uuid, changes.slice(1), []).written;',
      },
    ],
  },
  {
    name: 'overlap-forgotten',
    without: 'the look whether the last job is over',
    stores: both,
    edits: [
      {
        file: 'src/model/schedules/decide.ts',
        find: "last === null || last.isOver || figures.overlap === 'allow'",
        replace: "last === null || last.isOver || figures.overlap !== ''",
      },
    ],
  },
  {
    name: 'name-taken-twice',
    without: 'the refusal of a unique name that another put has taken since it was read',
    stores: both,
    edits: [
      {
        file: 'src/runtime/jobs/put-batch.ts',
        find: 'this.#puts.push(change);\n    this.#drafts.expect.push(expect);',
        replace: "this.#puts.push(change);\n    if (expect.id === '') this.#drafts.expect.push(expect);",
      },
    ],
  },
  {
    name: 'name-free-too-early',
    without: 'the name of a job that has started and not ended',
    stores: both,
    edits: [
      {
        file: 'src/model/jobs/unique/name-answer.ts',
        find: "return until === 'ended' || hasNotStarted(job);",
        replace: "return until !== 'ended' ? hasNotStarted(job) : hasNotStarted(job);",
      },
    ],
  },
  {
    name: 'window-forgotten',
    without: 'the time for which a unique name is taken after the put',
    stores: both,
    edits: [
      {
        file: 'src/model/jobs/unique/name-answer.ts',
        find: 'if (!isHeld && (record.until ?? now) <= now)',
        replace: 'if (!isHeld && (record.until ?? now) !== -1)',
      },
    ],
  },
  {
    name: 'room-of-a-key-kept',
    without: 'the room of a key that goes to the next when a job is parked under another of its keys',
    stores: both,
    edits: [
      { file: 'src/store/rules/parking/parking.ts', find: 'this.#touched.add(bucket.limit);', replace: '' },
    ],
  },
  ...actorMutants,
];
