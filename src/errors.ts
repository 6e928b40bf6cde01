/** What a schema says is wrong with a value. */
export interface ShownIssue {
  /** Where: `input.lines[0].sku`, or `input` for the whole. */
  readonly path: string;
  /** In the words of the schema. */
  readonly message: string;
}

/**
 * The messages of all errors of Signalbox, by code. The grammar of a message is "Expected X to be Y, got Z. Repair."
 * The code is the API; the message may improve.
 */
const messages = {
  // Machines and actors
  MACHINE_DIALECT: (about: { machine: string; problems: readonly string[] }) =>
    `Expected machine "${about.machine}" to be one that can be durable, got ${about.problems.length === 1 ? 'a construct' : `${about.problems.length} constructs`} that cannot:\n${about.problems.map((each) => `- ${each}`).join('\n')}`,
  STEP_FAILED: (about: { id: string; event: string; failure: string }) =>
    `Expected actor ${about.id} to take "${about.event}", got an error in its machine: ${about.failure}. The actor is as before; correct the machine or the event.`,
  EVENT_REFUSED: (about: { id: string; event: string; state: string; guards: readonly string[] }) =>
    `Expected actor ${about.id} to take "${about.event}", got no transition for it in state "${about.state}"${about.guards.length === 0 ? '' : ` (refused by ${about.guards.join(', ')})`}. Nothing was written; look at its snapshot before you ask.`,
  EVENT_INVALID: (about: { machine: string; what: string; issues: readonly ShownIssue[] }) =>
    `Expected ${about.what} of machine "${about.machine}" to be what its schema accepts, got ${issuesText(about.issues)}. Nothing was written; correct it and call again.`,
  EVENT_RESERVED: (about: { event: string }) =>
    `Expected an event of the machine, got "${about.event}". Names that begin with xstate. or signalbox. belong to the machinery; send another event.`,
  ACTOR_EXISTS: (about: { id: string; status: string }) =>
    `Expected no actor ${about.id}, found one that is ${about.status}. Use it, or start with { ifExists: 'return' } or { ifExists: 'restart' }.`,
  ACTOR_NOT_FOUND: (about: { id: string }) =>
    `Expected actor ${about.id} to exist, found none. Start it first, or send with { start: input }.`,
  ACTOR_FINISHED: (about: { id: string; status: string }) =>
    `Expected actor ${about.id} to be at work, got one that is ${about.status}. Start it anew with { ifExists: 'restart' }, or another one.`,
  ACTOR_SUSPENDED: (about: { id: string; failure: string }) =>
    `Expected actor ${about.id} to be active, got one that is suspended: ${about.failure}. Correct the machine, then call resume(), skip() or stop().`,
  ACTOR_LIMIT: (about: { id: string; what: string; limit: number; actual: number }) =>
    `Expected actor ${about.id} to have at most ${about.limit} ${about.what}, got ${about.actual}. The step was not made; let the machine do less in one step.`,
  MAILBOX_FULL: (about: { id: string; limit: number; actual: number }) =>
    `Expected at most ${about.limit} messages to wait for actor ${about.id}, got ${about.actual} with this one. Nothing was written; send again when it has caught up, or raise limits.mail.`,
  MESSAGE_NOT_FOUND: (about: { id: string }) =>
    `Expected a dead letter ${about.id}, found none. List them with box.deadLetters().list(); they are kept for 30 days.`,
  UNKNOWN_MACHINE: (about: { name: string; known: readonly string[] }) =>
    `Expected "${about.name}" to be a machine of this process, got one that is not registered (registered: ${listed(about.known)}). Pass it to createSignalbox({ machines }).`,
  UNKNOWN_VERSION: (about: { id: string; machine: string; version: string; known: readonly string[] }) =>
    `Expected actor ${about.id} to be of a version of machine "${about.machine}" that this process knows (${listed(about.known)}), got ${about.version}. Give defineMachine a migration of that version, or the machine itself in \`previous\`.`,

  // Values and arguments
  ARGS_NOT_JSON: (about: { path: string; actual: string; wouldBecome: string }) =>
    `Expected ${about.path} to be a JSON value, got ${about.actual}. JSON would turn it into ${about.wouldBecome}; pass a JSON value, or a job.`,
  ARGS_TOO_DEEP: (about: { path: string; limit: number; actual: number }) =>
    `Expected values nested at most ${about.limit} deep, got more at ${about.path}: ${about.actual} levels or more. Flatten the value, store it elsewhere and pass its id, or raise limits.depth.`,
  ARGS_TOO_LARGE: (about: { path: string; limit: number; actual: number; unit: string; repair?: string }) =>
    `Expected ${about.path} to be at most ${about.limit} ${about.unit}, got ${about.actual}. ${about.repair ?? `Store the value elsewhere and pass its id, or raise limits.${about.unit}.`}`,
  ARGS_INVALID: (about: { name: string; issues: readonly ShownIssue[]; at: 'put' | 'start' }) =>
    `Expected the input of job "${about.name}" to be what its schema accepts, got ${issuesText(about.issues)}. ${about.at === 'put' ? 'Nothing was written; correct the input and call again.' : 'It is not tried again; let the schema accept what was put before it changed, or put the job anew with other input.'}`,
  RESULT_INVALID: (about: { name: string; issues: readonly ShownIssue[] }) =>
    `Expected the result of job "${about.name}" to be what its schema \`output\` accepts, got ${issuesText(about.issues)}. What the attempt put and changed was dropped; correct the code or the schema.`,
  CODEC_FAILED: (_about: object) =>
    `Expected the codec to decode a stored value, got an error. Nothing was changed; give createSignalbox a codec that knows the key it was encoded with, or find out what changed the store.`,
  CODEC_MISMATCH: (about: { store: string; actual: string }) =>
    `Expected the codec that store "${about.store}" was written with, got ${about.actual}. Nothing was changed; pass it to createSignalbox({ codec }).`,
  INVALID_OPTION: (about: { option: string; expected: string; actual: string; repair?: string }) =>
    `Expected \`${about.option}\` to be ${about.expected}, got ${about.actual}. ${about.repair ?? 'Change it and call again; nothing was written.'}`,
  INVALID_NAME: (about: { what: string; actual: string }) =>
    `Expected ${about.what} to be a name (a letter, then at most 127 letters, digits or . : _ -), got ${about.actual}. Choose another name.`,
  INVALID_KEY: (about: { limit: string; actual: string }) =>
    `Expected the key of limit "${about.limit}" to be text of 1 to 200 characters without control characters and without / at its ends, got ${about.actual}. Nothing was written; give it such text, a hash for example.`,
  INVALID_DURATION: (about: { option: string; actual: string }) =>
    `Expected \`${about.option}\` to be a duration of zero or more (milliseconds, or text such as '5m' or '1h30m'), got ${about.actual}. Write it as one of these.`,
  INVALID_INSTANT: (about: { option: string; actual: string }) =>
    `Expected \`${about.option}\` to be an instant (a Date, epoch milliseconds, or ISO 8601 text with an offset such as 2030-01-31T10:00:00Z), got ${about.actual}. Add the offset, or pass a Date; for a delay write '5m' or { after: '5m' }.`,
  INVALID_FILTER: (about: { part: string; expected: string; actual: string; repair?: string }) =>
    `Expected \`${about.part}\` of a filter of jobs to be ${about.expected}, got ${about.actual}. ${about.repair ?? 'Correct it and call again; nothing was changed.'}`,
  INVALID_CRON: (about: { pattern: string; field: string; expected: string; actual: string }) =>
    `Expected ${about.field} of the cron pattern ${about.pattern} to be ${about.expected}, got ${about.actual}. Write minute, hour, day of month, month and day of week, such as '30 2 * * 1-5', with seconds before them if you need them; nothing was written.`,
  INVALID_TIME_ZONE: (about: { actual: string }) =>
    `Expected \`tz\` to be a time zone that this process knows, got ${about.actual}. Write a name of the IANA database, such as 'Europe/Berlin' or 'UTC'; nothing was written.`,

  // Definitions, queues, jobs
  UNKNOWN_DEFINITION: (about: { name: string; known: readonly string[] }) =>
    about.known.includes(about.name)
      ? `Expected "${about.name}" to be the job definition that is registered in this process, got another one of that name. Make jobs with the one that was passed to createSignalbox; a module that is loaded twice defines its jobs twice.`
      : `Expected "${about.name}" to be a job definition of this process, got one that is not registered (registered: ${listed(about.known)}). Pass it to createSignalbox({ jobs }) or call box.define(definition).`,
  ANONYMOUS_FUNCTION: (about: { actual: string }) =>
    `Expected a job or a job definition, got ${about.actual}. ${about.actual.startsWith('function ') ? 'A bare function cannot be stored; give it a name with defineJob({ name, run }) and pass that.' : 'Pass what defineJob({ name, run }) returns, or a job that was made by calling it; undefined often comes from an import that is misspelt or circular.'}`,
  DUPLICATE_DEFINITION: (about: { what: string; name: string; files?: readonly [string, string] }) =>
    `Expected each ${about.what} to be registered once, got a second one named "${about.name}"${about.files === undefined ? '' : `: in ${about.files[0]}, and in ${about.files[1]}`}. Rename one of the two.`,
  JOB_FILE: (about: { file: string; reason: string; repair: string }) =>
    `Expected job file ${about.file} to be importable, got ${about.reason}. ${about.repair}`,
  QUEUE_NOT_FOUND: (about: { name: string; known: readonly string[] }) =>
    `Expected queue "${about.name}" to exist, found ${listed(about.known)}. Create it with box.createQueue(name) or createSignalbox({ queues: [name] }); start() creates the queue ''.`,
  QUEUE_FULL: (about: { queue: string; limit: number; actual: number }) =>
    `Expected at most ${about.limit} jobs to wait in queue "${about.queue}", got ${about.actual} with this put. Nothing was written; put again when agents have caught up, or raise limits.waiting.`,
  TOO_MANY: (about: { what: string; id: string; limit: number; actual: number }) =>
    `Expected job ${about.id} to have at most ${about.limit} ${about.what}, got ${about.actual}. Nothing was written; use fewer, or raise limits.${about.what}.`,
  QUOTA_NOT_FOUND: (about: { name: string; queue: string; known: readonly string[] }) =>
    `Expected quota "${about.name}" to exist in queue "${about.queue}", found ${listed(about.known)}. Create it with queue.quotas.ensure(name, { size }).`,
  SCHEDULE_NOT_FOUND: (about: { name: string; queue: string; known: readonly string[] }) =>
    `Expected schedule "${about.name}" to exist in queue "${about.queue}", found ${listed(about.known)}. Set it with queue.schedules.set(name, options, job).`,
  QUOTA_EXISTS: (about: { name: string; queue: string }) =>
    `Expected quota "${about.name}" to be new in queue "${about.queue}", found one of that name. Call queue.quotas.ensure(name, { size }), which adds it or changes it.`,
  JOB_NOT_FOUND: (about: { id: string }) =>
    `Expected a job with id "${about.id}" in the store, found none. It may have been put in another store, or in a transaction that was not committed, or evicted after its retention.`,
  JOB_QUARANTINED: (about: { id: string }) =>
    `Expected job ${about.id} to be as this version writes jobs, got a state or values that it does not write. The job is kept and not changed; open the store with the version that wrote it, or restore a backup.`,
  JOB_NOT_WAITING: (about: { id: string; queue: string; status: string }) =>
    `Expected job ${about.id} to wait in queue "${about.queue}", got status ${about.status} elsewhere. Only waiting jobs can be pulled or removed.`,
  JOB_EXISTS: (about: { id: string }) =>
    `Expected job id "${about.id}" to be new, found a job with another definition or other arguments under it. Use an id once.`,
  DUPLICATE_JOB: (about: { key: string; id: string }) =>
    `Expected unique name "${about.key}" to be free, got one that job ${about.id} has. Nothing was written; wait for that job, or let \`onConflict\` be 'return'.`,
  INDEX_OUT_OF_RANGE: (about: { index: number; length: number }) =>
    `Expected an index within a queue of ${about.length}, got ${about.index}. Look at queue.length() first.`,
  BAD_STATUS: (about: {
    what: string;
    status: string;
    event: string;
    guards: readonly string[];
    repair?: string;
  }) =>
    `Expected ${about.what} to accept ${about.event}, got status ${about.status}, which refuses it${about.guards.length > 0 ? ` (guard ${about.guards.join(', ')})` : ''}. ${about.repair ?? 'Look at the chart in docs/machines.md for what is allowed there.'}`,
  CALLBACK_TAKEN: (about: { what: string }) =>
    `Expected a callback to be a job that is not stored yet, got ${about.what}, which is stored: it is a callback already, or was put. Make a new one for each job that it shall follow; the definition itself can be passed any number of times.`,
  AWAITED_OWN_CHILD: (about: { id: string }) =>
    `Expected the result of job ${about.id} to be awaited after it is committed, got a wait inside the job that puts it. Return the job instead: its result is then the result of the job that returns it.`,
  AWAITED_ITSELF: (about: { id: string }) =>
    `Expected job ${about.id} to wait for another job, got a wait for itself, directly or through jobs that wait for it. Return a value instead.`,

  // What happens to jobs
  CANCELLED: (about: { id: string; reason: string | null }) =>
    `Expected job ${about.id} to finish, got a request to cancel it${about.reason === null ? '' : `: ${about.reason}`}. Put it again if it is needed after all.`,
  SHUTDOWN: (about: { id: string }) =>
    `Expected job ${about.id} to finish before its process ends, got the stop of the process. Let the code stop: the job is handed back to its queue, and this attempt does not count.`,
  ABORTED: (about: { id: string }) =>
    `Expected job ${about.id} to finish, got an interruption that its retry policy does not retry. Put it again, or choose a policy that allows it.`,
  TIMEOUT: (about: { what: string; limit: string; got?: string; repair?: string }) =>
    `Expected ${about.what} within ${about.limit}, got ${about.got ?? 'nothing'}. ${about.repair ?? 'Wait longer, add agents, or look at the history.'}`,
  RETRY_LOOP: (about: { id: string; limit: number; message: string }) =>
    `Expected job ${about.id} to wait for something between its attempts, got ${about.limit} immediate retries without an await of anything; the last error was: ${about.message}. Answer { after: '1s' } instead of true, or use { maxAttempts, delay }.`,
  REASSIGNED: (about: { id: string }) =>
    `Expected job ${about.id} to belong to this worker, got another holder: this dispatcher counted as dead and the job was reassigned. Nothing was written. Shorten commits or lengthen the death interval if this repeats.`,
  CONFLICT: (about: { subject: string; expected: string; actual: string }) =>
    `Expected ${about.subject} to be ${about.expected}, got ${about.actual}: another commit changed it first. Nothing was applied; read again and repeat.`,
  JOB_FAILED: (about: { id: string; name: string; message: string }) =>
    `Job ${about.id} (${about.name}) failed: ${about.message}`,

  // Dispatchers and agents
  DISPATCHER_EXISTS: (about: { uuid: string }) =>
    `Expected one dispatcher per UUID in a process, got a second for ${about.uuid}. Pass another uuid.`,
  DISPATCHER_STATE: (about: { what: string; state: string; event: string; repair?: string }) =>
    `Expected ${about.what} to accept ${about.event}, got state ${about.state}, which refuses it. ${about.repair ?? 'Look at getStatusInfo() or at `activated` first.'}`,
  REPRESENTATION_NOT_FOUND: (about: { uuid: string; queue: string }) =>
    `Expected dispatcher ${about.uuid} to be registered in queue "${about.queue}", found none. It registers at its first poll.`,
  AGENT_NOT_FOUND: (about: { id: string }) =>
    `Expected agent ${about.id} to exist, found none. Add it with agents.set(name, agent({ … })).`,
  THREAD_MODULE: (about: { name: string; module: string; actual: string }) =>
    `Expected the thread module ${about.module} to export job "${about.name}", got ${about.actual}. Export the definition there; no code was called.`,
  THREAD_EXITED: (about: { id: string; actual: string }) =>
    `Expected the thread of job ${about.id} to last until its code has ended, got its end with ${about.actual}. Only the thread has ended; let the code neither call process.exit() nor throw outside of its own promise.`,
  THREAD_OUT_OF_MEMORY: (about: { id: string; limit: string }) =>
    `Expected job ${about.id} to need a heap of at most ${about.limit}, got more. Only its thread has ended; let the code hold less at once, or raise thread.maxHeapMb of the agent.`,
  NOT_IN_THREADS: (about: { call: string }) =>
    `Expected ${about.call} in the main thread, got it in a thread. Run the job by an agent with executor: 'inline', or let a callback do it there.`,
  AGENT_NOT_EMPTY: (about: { name: string; length: number }) =>
    `Expected agent "${about.name}" to hold no jobs when it is replaced or removed, got ${about.length}. Drain it first.`,
  CHOOSER_AND_FILTER: (about: { name: string }) =>
    `Expected agent "${about.name}" to have a filter or a chooser, got both. Set one of the two to null.`,
  UNKNOWN_FILTER: (about: { what: string; name: string; known: readonly string[] }) =>
    `Expected ${about.what} "${about.name}" to be registered in this process, found ${listed(about.known)}. Pass it to createSignalbox.`,
  UNKNOWN_POLICY: (about: { name: string; known: readonly string[] }) =>
    `Expected retry policy "${about.name}" to be registered in this process, found ${listed(about.known)}. Pass it to createSignalbox({ retryPolicies }); jobs that need it wait.`,
  UNKNOWN_CONDITION: (about: { name: string; known: readonly string[] }) =>
    `Expected condition "${about.name}" to be registered in this process, found ${listed(about.known)}. Pass it to createSignalbox({ conditions }); callbacks that depend on it wait.`,
  NO_POLL: (about: { wanted: string }) =>
    `Expected a poll ${about.wanted}, found none. Only the newest polls are kept; see pollsSize.`,
  NO_JOB_RECORD: (about: { id: string }) =>
    `Expected a record of job ${about.id} in this dispatcher, found none. Only the newest started jobs are kept; see jobsSize.`,
  NO_CURRENT_JOB: (about: { call: string }) =>
    `Expected local.${about.call} to be called while a job runs, got a call outside any job. Call it from a job's run function.`,
  NOT_STARTED: (about: { what: string }) =>
    `Expected ${about.what} to be started, got one that is not. Start it first.`,
  TEAR_DOWN: (about: { problems: readonly string[]; limit: string }) =>
    `Expected everything to stop within ${about.limit}, got ${about.problems.join('; ')}. Let it end, then tear down again.`,
  SIMULATION_FAILED: (about: { seed: number; hash: string; violations: readonly string[]; replay: string }) =>
    `Expected every promise to be kept with seed ${about.seed}, got ${about.violations.length} broken: ${about.violations.slice(0, 5).join('; ')}. Run it again, with the same trace (${about.hash}): ${about.replay}`,
  STORY_FAILED: (about: { story: readonly string[]; differences: readonly string[] }) =>
    `Expected the story to go as its model says, got ${about.differences.length} ${about.differences.length === 1 ? 'difference' : 'differences'}:\n${lines(about.differences.slice(0, 5))}\nThe story:\n${lines(about.story)}\nTell it again, with the same trace: runCommands(scenario, error.report.commands).`,
  WAY_FAILED: (about: { way: string; violations: readonly string[]; trace: readonly string[] }) =>
    `Expected every promise to be kept on the way "${about.way}", got ${about.violations.length} broken: ${about.violations.slice(0, 5).join('; ')}. Read what happened on it, in order, with milliseconds since the beginning:\n${about.trace.join('\n')}`,
  TRANSACTION_ENDED: (about: { call: string }) =>
    `Expected ${about.call} to be used before the end of its transaction or job and not within another transaction, got a later or an inner call. Await every call inside the function that you pass to box.transaction, or inside the job's own.`,
  TRANSACTION_OVER: (about: { call: string }) =>
    `Expected the work of ${about.call} to leave its transaction open, got one that it ended. Send no COMMIT and no ROLLBACK; throw to roll back.`,
  BOX_STOPPED: (about: { call: string }) =>
    `Expected the Signalbox to be open for ${about.call}, got one that was stopped. Create a new one on the same store.`,

  LIMIT_DEADLOCK: (about: { parent: string; child: string; limit: string }) =>
    `Expected job ${about.child} to find room in limit "${about.limit}" while job ${about.parent} waits for it, got one that is filled by jobs that wait for it. Give the two different limits or keys, or enlarge it.`,
  NO_TRANSACTIONS: (about: { call: string }) =>
    `Expected a store in a database for ${about.call}, got one without transactions of its own. Use the PostgreSQL store, or box.transaction for several changes of Signalbox.`,

  // Charts
  CHART_DIALECT: (about: { expected: string; toBe: string; got: string; repair: string }) =>
    `Expected ${about.expected} to be ${about.toBe}, got ${about.got}. ${about.repair}`,

  // Stores
  STORE_LOCKED: (about: { path: string; holder: string; isHere?: boolean }) =>
    `Expected the store in ${about.path} to be free, got one held by ${about.holder}. ${about.isHere ? 'That is in this process: await stop() of its Signalbox first, or use that one.' : 'Stop that process, or use the PostgreSQL store to share queues between processes.'}`,
  STORE_CORRUPT: (about: { file: string; byte: number; line: number; what: string; lastGood: number }) =>
    `Expected ${about.file} to be as it was written, got ${about.what} at byte ${about.byte} (line ${about.line}; last good seq ${about.lastGood}). Nothing was changed. Restore a backup, or move the damaged file aside only if you accept the loss of what follows.`,
  STORE_FULL: (about: { path: string; needed: number }) =>
    `Expected room for ${about.needed} bytes in ${about.path}, got a full disk. The commit was not made; free space and repeat it. Claims wait and continue by themselves.`,
  STORE_IO: (about: { call: string; file: string; reason: string; outcome: 'unknown' | 'not committed' }) =>
    `Expected ${about.call} of ${about.file} to succeed, got ${about.reason}. The outcome of the commits under way is ${about.outcome}; the store is closed until it is opened again.`,
  STORE_VERSION: (about: { file: string; found: string; supported: string; repair?: string }) =>
    `Expected ${about.file} to have format ${about.supported}, got ${about.found}. ${about.repair ?? 'It was not touched; use a newer Signalbox.'}`,
  STORE_PERMISSION: (about: { path: string; found: string; wanted: string }) =>
    `Expected ${about.path} to be ${about.wanted}, got ${about.found}. Change its owner or mode (chown, chmod 700), or remove what does not belong there.`,
  STORE_FENCED: (about: { path: string; evidence: string }) =>
    `Expected this process to be the only writer of ${about.path}, got ${about.evidence}. Nothing more is written; find the other writer.`,
  STORE_NO_LOCK: (about: { path: string; tried: string }) =>
    `Expected a kernel lock on ${about.path}, got no lock (${about.tried}). Install fs-native-extensions or flock(1), or accept the risk with jsonStore(path, { lock: 'pidfile-unsafe' }).`,
  STORE_NOT_A_STORE: (about: { path: string; found: string }) =>
    `Expected ${about.path} to be empty or a Signalbox store, got ${about.found}. Choose another directory; nothing was changed.`,
  STORE_MISSING: (about: { path: string; repair?: string }) =>
    `Expected a store in ${about.path}, found none. ${about.repair ?? 'Mount or restore it, or allow a new one: with { create: true } in a directory, by signalbox migrate in a database.'}`,
  STORE_PROMOTED: (about: { path: string; to: string; schema: string; isDone: boolean }) =>
    `Expected the store in ${about.path} to be the one in charge, got one that ${about.isDone ? 'was promoted' : 'is being promoted'} to schema ${about.schema} of ${about.to}. ${about.isDone ? 'Open that one' : 'Call signalbox promote again, with the same arguments, to finish that'}; docs/guide.md explains how to go back.`,
  STORE_DRIVER: (about: { name: string }) =>
    `Expected the package ${about.name} to be installed for the PostgreSQL store, found no such package. Run npm install ${about.name}.`,
  STORE_DISCONNECTED: (about: { call: string; reason: string; outcome: 'unknown' | 'not committed' }) =>
    `Expected the database to answer ${about.call}, got ${about.reason}. The outcome is ${about.outcome}; look at the server and the network, and repeat the call: with an id of your own a put is never doubled.`,
  STORE_DENIED: (about: { call: string; reason: string }) =>
    `Expected the database user to be allowed ${about.call}, got ${about.reason}. Grant the rights on the schema, or run the migrations as its owner.`,
  STORE_REPLICA: (about: { reason: string }) =>
    `Expected a server that can be written, got ${about.reason}. Connect to the primary (target_session_attrs=read-write).`,
  STORE_UNSAFE: (about: { setting: string; actual: string }) =>
    `Expected ${about.setting} to be on, got ${about.actual}: a crash of the server would lose what was acknowledged. Turn it on, or accept that with postgresStore({ unsafe: true }).`,
  STORE_STATEMENT: (about: { call: string; reason: string }) =>
    `Expected the database to carry out ${about.call}, got ${about.reason}. Nothing was written.`,
  HISTORY_CUT: (about: { seq: number; from?: number }) =>
    `Expected history to reach back to entry ${about.seq}, got one that ${about.from === undefined ? 'no longer does' : `can be shown from entry ${about.from} on`}. Look at a later moment; to keep more, set historyMaxBytes and historyMaxAge of jsonStore, or historyMaxLines of memoryStore.`,
  PAST_UNAVAILABLE: (about: { found: string; repair: string }) =>
    `Expected a store that can be shown as it was, got ${about.found}. ${about.repair}`,
  STORE_CLOSED: (about: { call: string }) =>
    `Expected the store to be open for ${about.call}, got a closed one. Nothing was read or written; create a new Signalbox on it: after stop() the old one has no store.`,

  // Promotion
  PROMOTION_TARGET: (about: { schema: string; found: string }) =>
    `Expected schema ${about.schema} to be empty, got ${about.found}. Nothing was written; name another schema with --schema, or drop this one if it is not needed.`,
  PROMOTION_ELSEWHERE: (about: { path: string; to: string; schema: string; found: string }) =>
    `Expected the promotion of ${about.path} to go to schema ${about.schema} of ${about.to}, where it was begun, got ${about.found}. Nothing was written; call with the same target as before. docs/guide.md explains how to go back.`,
  PROMOTION_UNREADABLE: (about: { count: number; example: string }) =>
    `Expected every job to be as this version writes jobs, got ${about.count} in quarantine, ${about.example} for example. Nothing was written; open the store with the version that wrote them, or remove them.`,
  PROMOTION_DIFFERS: (about: { subject: string; expected: string; actual: string }) =>
    `Expected ${about.subject} to be in the database what it is in the directory, ${about.expected}, got ${about.actual}. Nothing was committed and the directory stays in charge; look for triggers and rules in the schema.`,
} satisfies Record<string, (about: never) => string>;

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `  ${text}`).join('\n');
}

const mostShown = 3;

function issuesText(issues: readonly ShownIssue[]): string {
  const shown = issues.slice(0, mostShown).map(({ path, message }) => `${path}: ${message}`);
  const more = issues.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join('; ') || 'a refusal without a reason';
}

/** The code of an error: the part that programs branch on. Every code is explained in docs/errors.md. */
export type ErrorCode = keyof typeof messages;

/** The `details` of an error with this code. */
export type ErrorDetails<Code extends ErrorCode> = Parameters<(typeof messages)[Code]>[0];

/** All codes, for documentation and tests. */
export const errorCodes = Object.keys(messages) as readonly ErrorCode[];

/**
 * Thrown for every failure that Signalbox can name. Branch on `code`, never on the message.
 *
 * @example
 * ```ts
 * import { SignalboxError } from 'signalbox';

 *
 * function isFull(error: unknown): boolean {
 *   return error instanceof SignalboxError && error.code === 'STORE_FULL';
 * }
 * ```
 */
export class SignalboxError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = 'SignalboxError';
  readonly code: Code;
  readonly details: ErrorDetails<Code>;

  constructor(code: Code, details: ErrorDetails<Code>, options?: ErrorOptions) {
    const describe: (about: never) => string = messages[code];
    super(describe(details as never), options);
    this.code = code;
    this.details = details;
  }
}

/**
 * Thrown for an operation that the current status does not allow: the chart refuses the event. A programming
 * mistake.
 */
export class BadStatusError extends SignalboxError<'BAD_STATUS'> {
  override readonly name = 'BadStatusError';

  constructor(details: ErrorDetails<'BAD_STATUS'>, options?: ErrorOptions) {
    super('BAD_STATUS', details, options);
  }
}

/** The failure of a job that was interrupted and is not retried. */
export class AbortedError extends SignalboxError<'ABORTED'> {
  override readonly name = 'AbortedError';

  constructor(details: ErrorDetails<'ABORTED'>, options?: ErrorOptions) {
    super('ABORTED', details, options);
  }
}

/** The failure of a job that was cancelled, and the reason with which `local.signal` aborts then. */
export class CancelledError extends SignalboxError<'CANCELLED'> {
  override readonly name = 'CancelledError';
  /** Why, as given to `job.cancel({ reason })`. */
  readonly reason: string | null;

  constructor(details: ErrorDetails<'CANCELLED'>, options?: ErrorOptions) {
    super('CANCELLED', details, options);
    this.reason = details.reason;
  }
}

/** The reason with which `local.signal` aborts when the box stops: see `box.stop({ abort })`. */
export class ShutdownError extends SignalboxError<'SHUTDOWN'> {
  override readonly name = 'ShutdownError';

  constructor(details: ErrorDetails<'SHUTDOWN'>, options?: ErrorOptions) {
    super('SHUTDOWN', details, options);
  }
}

/** The failure of a job that was not started in time, and of a wait that took longer than its limit. */
export class TimeoutError extends SignalboxError<'TIMEOUT'> {
  override readonly name = 'TimeoutError';

  constructor(details: ErrorDetails<'TIMEOUT'>, options?: ErrorOptions) {
    super('TIMEOUT', details, options);
  }
}

/** Thrown in a worker whose job was reassigned. Never stored as a result. */
export class ReassignedError extends SignalboxError<'REASSIGNED'> {
  override readonly name = 'ReassignedError';

  constructor(details: ErrorDetails<'REASSIGNED'>, options?: ErrorOptions) {
    super('REASSIGNED', details, options);
  }
}

/** Thrown for a commit that was refused because a record that it read has changed since. Nothing of it was applied. */
export class ConflictError extends SignalboxError<'CONFLICT'> {
  override readonly name = 'ConflictError';

  constructor(details: ErrorDetails<'CONFLICT'>, options?: ErrorOptions) {
    super('CONFLICT', details, options);
  }
}

/** Thrown by `actor.ask` for an event that the machine does not take where it is. Nothing was written. */
export class EventRefusedError extends SignalboxError<'EVENT_REFUSED'> {
  override readonly name = 'EventRefusedError';

  constructor(details: ErrorDetails<'EVENT_REFUSED'>, options?: ErrorOptions) {
    super('EVENT_REFUSED', details, options);
  }
}

/** Thrown when a machine uses a feature that cannot be compiled. */
export class ChartError extends SignalboxError<'CHART_DIALECT'> {
  override readonly name = 'ChartError';

  constructor(details: ErrorDetails<'CHART_DIALECT'>, options?: ErrorOptions) {
    super('CHART_DIALECT', details, options);
  }
}

/** Makes the error of an option with a wrong value. */
export function invalidOption(option: string, expected: string, value: unknown): SignalboxError {
  return new SignalboxError('INVALID_OPTION', { option, expected, actual: shown(value) });
}

/** Returns a value as text for an error: short and in one line. Never throws. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 80 ? `${value.slice(0, 77)}...` : value}'`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || typeof value !== 'object') return `${String(value)} (${typeof value})`;
  try {
    return objectShown(value);
  } catch {
    // A proxy may throw at every access.
    return 'an object';
  }
}

function objectShown(value: object): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString();
  return Array.isArray(value)
    ? `an array of ${value.length}`
    : (Object.getPrototypeOf(value)?.constructor?.name ?? 'an object');
}
