import { actorMutants } from './actor-mutants.ts';
import type { Mutant } from './mutant.ts';

/** A mutant that a test of the suite must notice. */
export interface TestedMutant extends Mutant {
  /**
   * What the safeguard is for: the number of a threat in docs/security.md, or of a fault in docs/faults.md; `explain`: that an
   * explanation is what the next claim does; `parking`: that a job is parked only as long as a key of it has no room; `threads`: that
   * nothing goes on while old code still can; `schedules`: that each tick is made, and once;
   * `actors`: that a message moves its actor once, in its place, and that nothing of a step stands outside its commit;
   * `bulk`: that each job is worked on once, and none dropped that is needed; `search`: that nothing is found by what is redacted.
   */
  readonly about: string;
  /** The file of the test. */
  readonly test: string;
}

/** One safeguard each, and the test that must fail without it. */
export const testedMutants: readonly TestedMutant[] = [
  {
    name: 'bulk-begins-anew',
    about: 'bulk',
    without: 'the place behind a page in the commit of the page',
    test: 'test/behaviours/bulk-faults.test.ts',
    edits: [
      {
        file: 'src/runtime/builtin-jobs/bulk/bulk-run.ts',
        find: 'this.#noted(after)];',
        replace: 'this.#noted({ ...place, bulk: null } as never)];',
      },
    ],
  },
  {
    name: 'bulk-without-fence',
    about: 'bulk',
    without: 'the fence of a page against a process that has lost the bulk job',
    test: 'test/behaviours/bulk-faults.test.ts',
    edits: [
      {
        file: 'src/runtime/builtin-jobs/bulk/bulk-run.ts',
        find: '[...expect, ...this.#run.preconditions]',
        replace: '[...expect]',
      },
    ],
  },
  {
    name: 'needed-job-removed',
    about: 'bulk',
    without: 'the look for unfinished jobs that refer to one that is removed',
    test: 'test/behaviours/bulk.test.ts',
    edits: [
      {
        file: 'src/runtime/builtin-jobs/bulk/bulk-run.ts',
        find: "action === 'remove' ? await",
        replace: "action === ('none' as string) ? await",
      },
    ],
  },
  {
    name: 'redacted-found',
    about: 'search',
    without: 'the refusal of a search by a redacted part of the arguments',
    test: 'test/behaviours/search.test.ts',
    edits: [
      {
        file: 'src/reading/search/search.ts',
        find: 'hidesPath(hidden, keys),',
        replace: 'false && hidden.length > 0,',
      },
    ],
  },
  {
    name: 'room-of-a-key-kept',
    about: 'parking',
    without: 'the room of a key that goes to the next when a job is parked under another of its keys',
    test: 'test/model/parking.test.ts',
    edits: [
      { file: 'src/store/rules/parking/parking.ts', find: 'this.#touched.add(bucket.limit);', replace: '' },
    ],
  },
  {
    name: 'refused-for-ever',
    about: 'schedules',
    without: 'the retry of a refused tick at the next poll',
    test: 'test/behaviours/schedules.test.ts',
    edits: [{ file: 'src/runtime/schedules/ticker.ts', find: 'this.#refused.clear();', replace: '' }],
  },
  {
    name: 'ticks-go-back',
    about: 'schedules',
    without: 'the last tick, when a schedule is set or resumed after the clock was set back',
    test: 'test/model/schedules/decide.test.ts',
    edits: [
      {
        file: 'src/model/schedules/decide.ts',
        find: 'after(Math.max(now, lastTick ?? now))',
        replace: 'after(now)',
      },
    ],
  },
  {
    name: 'freed-key-parked',
    about: 'parking',
    without: 'letting out as many jobs as slots of their key were freed, in the same commit (PostgreSQL)',
    test: 'test/store/postgres/parking.test.ts',
    edits: [
      {
        file: 'src/store/postgres/sql/commit.ts',
        find: 'LOOP PERFORM {schema}.unpark(r.id, r.count); END LOOP;',
        replace: 'LOOP NULL; END LOOP;',
      },
    ],
  },
  {
    name: 'window-without-end',
    about: 'schedules',
    without: 'the end of the window of missed ticks',
    test: 'test/model/schedules/decide.test.ts',
    edits: [
      {
        file: 'src/model/schedules/decide.ts',
        find: "misfire === 'skip' || ticks.dueAt(newest) < windowBegin",
        replace: "misfire === 'skip'",
      },
    ],
  },
  {
    name: 'parked-unasked',
    about: 'parking',
    without: 'asking again whether a key is full, when its row is locked (PostgreSQL)',
    test: 'test/store/postgres/parking.test.ts',
    edits: [
      {
        file: 'src/store/postgres/sql/parking.ts',
        find: 'is_full := room.used >= quota.size;',
        replace: 'is_full := true;',
      },
    ],
  },
  {
    name: 'room-not-passed',
    about: 'parking',
    without: 'the room of a key that goes to the next when the job it was for is gone (PostgreSQL)',
    test: 'test/store/postgres/contract.test.ts',
    edits: [
      {
        file: 'src/store/postgres/sql/apply.ts',
        find: 'PERFORM {schema}.pass_on(ARRAY[b.id]);',
        replace: 'NULL;',
      },
    ],
  },
  {
    name: 'key-beyond-its-size',
    about: 'parking',
    without: 'refusing a claim that was judged before the last slot of a key was taken (PostgreSQL)',
    test: 'test/store/postgres/parking.test.ts',
    edits: [
      {
        file: 'src/store/postgres/sql/apply.ts',
        find: 'WHERE o.used > (SELECT q.size FROM {schema}.quota q WHERE q.id = o.quota)) THEN',
        replace: 'WHERE false) THEN',
      },
    ],
  },
  {
    name: 'exit-not-awaited',
    about: 'threads',
    without: 'the wait for the exit of a thread that is ended',
    test: 'test/behaviours/threads.test.ts',
    edits: [
      {
        file: 'src/runtime/threads/job-thread.ts',
        find: '    this.#thread.terminate();\n',
        replace:
          '    this.#thread.terminate();\n    this.#ended({ code: 1, error: null, isOutOfMemory: false });\n',
      },
    ],
  },
  {
    name: 'threads-left-at-release',
    about: 'threads',
    without: 'the end of the threads of a dispatcher before its jobs are released',
    test: 'test/behaviours/threads.test.ts',
    edits: [
      {
        file: 'src/runtime/dispatchers/dispatcher.ts',
        find: '    await this.#agents.endThreads();\n',
        replace: '',
      },
    ],
  },
  {
    name: 'name-imported',
    about: 'S1',
    without: 'looking a name up in what the program registered, and nowhere else',
    test: 'test/security/names.test.ts',
    edits: [
      {
        file: 'src/runtime/definitions/registry.ts',
        find: 'const found = this.#definitions.get(name);',
        replace: 'void import(name).catch(() => {});\n    const found = this.#definitions.get(name);',
      },
    ],
  },
  {
    name: 'name-inherited',
    about: 'S2',
    without: 'a map for what is looked up by name',
    test: 'test/security/names.test.ts',
    edits: [
      {
        file: 'src/runtime/definitions/registry.ts',
        find: 'const found = this.#definitions.get(name);',
        replace: 'const found = this.#definitions.get(name) ?? ({} as Record<string, Definition>)[name];',
      },
    ],
  },
  {
    name: 'keys-assigned',
    about: 'S3',
    without: 'keys of objects being defined, not assigned',
    test: 'test/security/pollution.test.ts',
    edits: [
      { file: 'src/model/checks/own-keys.ts', find: 'if (key in target) {', replace: "if (key === '') {" },
    ],
  },
  {
    name: 'any-record-believed',
    about: 'S4',
    without: 'the quarantine',
    test: 'test/security/tampered-records.test.ts',
    edits: [
      {
        file: 'src/model/jobs/step.ts',
        find: 'return knownStates.has(job.state) && job.unsound === undefined && fitsItsPlace(job);',
        replace: 'return job !== undefined || (knownStates.has(job) && fitsItsPlace(job));',
      },
    ],
  },
  {
    name: 'depth-unmeasured',
    about: 'S5',
    without: 'the measure of how deep a value nests',
    test: 'test/security/json-bombs.test.ts',
    edits: [
      {
        file: 'src/model/values/values.ts',
        find: 'const { depth: limit } = walk.limits;',
        replace: 'const limit = Number.POSITIVE_INFINITY;',
      },
    ],
  },
  {
    name: 'secret-keys-shown',
    about: 'S15',
    without: 'the list of keys that mean a secret',
    test: 'test/security/secrets.test.ts',
    edits: [
      {
        file: 'src/model/values/redaction.ts',
        find: 'const secretKeySet: ReadonlySet<string> = new Set(secretKeys);',
        replace: "const secretKeySet: ReadonlySet<string> = new Set(secretKeys.filter((key) => key === ''));",
      },
    ],
  },
  {
    name: 'links-followed',
    about: 'S16',
    without: 'the refusal to open a link',
    test: 'test/security/store-files.test.ts',
    edits: [
      {
        file: 'src/store/json/ports/file-port.ts',
        find: 'const O_NOFOLLOW = windows ? 0 : fs.constants.O_NOFOLLOW;',
        replace: 'const O_NOFOLLOW = 0;',
      },
    ],
  },
  {
    name: 'files-by-umask',
    about: 'S16',
    without: 'the modes of the files',
    test: 'test/security/store-files.test.ts',
    edits: [
      { file: 'src/store/json/ports/file-port.ts', find: 'flags[mode], 0o600)', replace: 'flags[mode])' },
      {
        file: 'src/store/json/ports/file-port.ts',
        find: "if (mode === 'create' || mode === 'lock') fs.fchmodSync(fd, 0o600);",
        replace: '',
      },
    ],
  },
  {
    name: 'queue-without-limit',
    about: 'S18',
    without: 'the limit of a queue',
    test: 'test/security/resource-limits.test.ts',
    edits: [
      {
        file: 'src/store/rules/limits.ts',
        find: "if (waiting > most) throw new SignalboxError('QUEUE_FULL'",
        replace: "if (waiting < 0) throw new SignalboxError('QUEUE_FULL'",
      },
    ],
  },
  {
    name: 'one-package-more',
    about: 'S21',
    without: 'the list of packages that a user gets',
    test: 'test/security/supply-chain.test.ts',
    edits: [
      {
        file: 'package.json',
        find: '"xstate": "^5',
        replace: '"left-pad": "^1.3.0",\n    "xstate": "^5',
      },
    ],
  },
  {
    name: 'failed-sync-forgiven',
    about: 'T4',
    without: 'the end of a log whose sync failed',
    test: 'test/store/json/failures.test.ts',
    edits: [
      {
        file: 'src/store/json/journal/journal-writer.ts',
        find: "throw this.fail(ioFailure('fdatasync', journalName(this.#generation), error, 'unknown'));",
        replace: 'if (error !== null) this.#synced = upTo;',
      },
    ],
  },
  {
    name: 'lock-without-holder',
    about: 'T8',
    without: 'the kernel’s lock on the directory',
    test: 'test/store/json/lock.test.ts',
    edits: [
      {
        file: 'src/store/json/ports/lock.ts',
        find: "if (result === 'refused') throw locked(request, fd);",
        replace: '',
      },
    ],
  },
  {
    name: 'no-idempotency-key',
    about: 'T10',
    without: 'the look for a job that was put under the same id',
    test: 'test/runtime/command-model.test.ts',
    edits: [
      {
        file: 'src/runtime/jobs/job-drafts.ts',
        find: 'if (present === undefined) return false;',
        replace: "if (present === undefined || id !== '') return false;",
      },
    ],
  },
  {
    name: 'syncs-one-by-one',
    about: 'T16',
    without: 'one sync for what is committed at a time',
    test: 'test/store/json/cost.test.ts',
    edits: [
      {
        file: 'src/store/json/journal/journal-writer.ts',
        find: 'if (this.#syncing === null) return this.#beginSync();',
        replace: 'if (this.#syncing === null) return this.#beginSync().then(() => this.#beginSync());',
      },
    ],
  },
  {
    name: 'pauses-outlive-the-box',
    about: 'T4',
    without: 'the end of what waits to be tried again',
    test: 'test/runtime/stopping.test.ts',
    edits: [{ file: 'src/runtime/box/supervisor.ts', find: 'this.#sleeps.end();', replace: '' }],
  },
  {
    name: 'written-and-forgotten',
    about: 'T4',
    without: 'the sync of what was written before a tick that meets a full disk',
    test: 'test/store/json/cost.test.ts',
    edits: [
      {
        file: 'src/store/in-memory/committer.ts',
        find: '// What earlier ticks have written stays.\n      this.#startSync();',
        replace: '',
      },
    ],
  },
  {
    name: 'outcome-never-asked',
    about: 'T13',
    without: 'the question what became of a statement whose connection was lost',
    test: 'test/store/postgres/every-message.test.ts',
    edits: [
      {
        file: 'src/store/postgres/commits/sending.ts',
        find: "if (kind === 'lost' && sent !== null) {",
        replace: "if (kind === 'lost' && sent === undefined) {",
      },
    ],
  },
  {
    name: 'clock-of-the-host',
    about: 'T14',
    without: 'the clock of the database',
    test: 'test/store/postgres/clocks.test.ts',
    edits: [
      {
        file: 'src/store/postgres/clock.ts',
        find: 'return this.#given === null ? Math.round(this.#read + this.#elapsed() - this.#readAt) : this.#given();',
        replace: 'return this.#given === null ? Date.now() : this.#given();',
      },
    ],
  },
  {
    name: 'claim-for-the-dead',
    about: 'T9',
    without: 'the look whether the dispatcher of a claim is at work',
    test: 'test/store/contract.test.ts',
    edits: [
      {
        file: 'src/store/rules/claim-rules.ts',
        find: "return representation.state === 'activated' && !isDead(representation, now);",
        replace: 'return representation !== undefined || isDead(representation, now);',
      },
    ],
  },
  {
    name: 'late-commits-unheard',
    about: 'T13',
    without: 'the look for what was under way when a follower began',
    test: 'test/store/postgres/concurrency.test.ts',
    edits: [
      {
        file: 'src/store/postgres/journal/journal.ts',
        find: 'WHERE xid = x.xid OFFSET 0',
        replace: 'WHERE xid = x.xid AND false OFFSET 0',
      },
    ],
  },
  {
    name: 'read-unsynced',
    about: 'T13',
    without: 'the sync of what a program has read of another process',
    test: 'test/torture/postgres/crash.test.ts',
    edits: [
      {
        file: 'src/store/postgres/postgres-store.ts',
        find: '.then(() => this.#journal.sync())',
        replace: '',
      },
    ],
  },
  {
    name: 'news-unsynced',
    about: 'T13',
    without: 'the sync before anyone hears of what others have only written',
    test: 'test/store/postgres/following.test.ts',
    edits: [
      {
        file: 'src/store/postgres/journal/journal.ts',
        find: 'if (rows.length > 0) await this.sync();',
        replace: '',
      },
    ],
  },
  ...(
    [
      [
        'due-unexplained',
        'the instant from which a job may begin',
        'src/reading/waiting-conditions.ts',
        'if (beginAfter === null || beginAfter <= now)',
        'if (beginAfter === null || beginAfter <= now + 1e9)',
      ],
      [
        'quota-unexplained',
        'quotas',
        'src/reading/waiting-conditions.ts',
        "return 'obstacle' in verdict;",
        "return 'obstacle' in verdict && verdict.obstacle === 'notDue';",
      ],
      [
        'filter-unexplained',
        'the filter of an agent',
        'src/reading/agent-conditions.ts',
        "return 'obstacle' in verdict ? { holds: false, text: refusal(selection, job) } : accepted;",
        'return [verdict, refusal].length > 0 ? accepted : accepted;',
      ],
      [
        'dead-unexplained',
        'the last sign of life of a dispatcher',
        'src/reading/agent-conditions.ts',
        "return record?.state === 'activated' && !isDead(record, now);",
        "return record?.state === 'activated' && now > 0;",
      ],
      [
        'room-unexplained',
        'the size of an agent',
        'src/reading/agent-conditions.ts',
        'const isFull = held >= record.size;',
        'const isFull = held > record.size;',
      ],
      [
        'dead-claims',
        'the last sign of life of a dispatcher that claims',
        'src/store/rules/claim-rules.ts',
        "return representation.state === 'activated' && !isDead(representation, now);",
        "return representation.state === 'activated' && (now > 0 || !isDead(representation, now));",
      ],
    ] as const
  ).map(
    ([name, without, file, find, replace]): TestedMutant => ({
      name,
      about: 'explain',
      without,
      test: 'test/reading/explain-law.test.ts',
      edits: [{ file, find, replace }],
    }),
  ),
  ...(
    [
      [
        'reply-forgotten',
        'the outcome of a child in the commit of that outcome',
        'src/runtime/commits/committer.ts',
        'const all = withReplies(changes, () => this.context.store.now());',
        'const all = changes;',
        'test/actors/children.test.ts',
      ],
      [
        'any-run-counts',
        'the look whether an outcome is of the present run of a child',
        'src/runtime/actors/due-mail.ts',
        'return children.some((child) => child.run === run && child.id === from);',
        'return children.length + Number(run) + String(from).length >= 0;',
        'test/actors/children.test.ts',
      ],
      [
        'child-runs-on',
        'the cancelling of a job that its actor has left',
        'src/runtime/actors/child-jobs.ts',
        "const reason = 'its actor does not wait for it any more';",
        "const reason = 'its actor does not wait for it any more';\n    if (reason !== '') return;",
        'test/actors/children.test.ts',
      ],
      [
        'message-twice',
        'the look whether the id of a message was used before',
        'src/runtime/actors/make-turn.ts',
        'if (this.#ids.has(id)) return true;',
        'if (this.#ids.size >= 0) return false;',
        'test/actors/actors.test.ts',
      ],
      [
        'step-without-revision',
        'the revision under which an actor steps',
        'src/runtime/actors/make-turn.ts',
        "expect.push(ifUnchanged(this.#read ?? { id: this.#id, rev: 0 }, 'actor'));",
        "expect.push(...(this.#id === '' ? [ifUnchanged({ id: this.#id, rev: 0 }, 'actor')] : []));",
        'test/actors/hosts.test.ts',
      ],
      [
        'mail-before-timer',
        'the timer that was due before a message',
        'src/runtime/actors/make-turn.ts',
        "else if (this.#actor.status === 'active' && first?.kind === 'event') await this.#due.takeTimers();",
        "else if (this.#actor.status === 'active' && first === undefined) await this.#due.takeTimers();",
        'test/actors/mailbox.test.ts',
      ],
      [
        'poison-goes-on',
        'the suspension of an actor whose timer throws',
        'src/runtime/actors/due-mail.ts',
        "if (actor.machine.settings.onError === 'suspend') actor.suspend(failure);",
        "if (actor.machine.settings.onError === ('none' as string)) actor.suspend(failure);",
        'test/actors/mailbox.test.ts',
      ],
    ] as const
  ).map(
    ([name, without, file, find, replace, test]): TestedMutant => ({
      name,
      about: 'actors',
      without,
      test,
      edits: [{ file, find, replace }],
    }),
  ),
  ...actorMutants,
];
