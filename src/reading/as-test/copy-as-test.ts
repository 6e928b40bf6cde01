import type { Failure } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { invalidOption } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import type { ActorRecord, JobRecord } from '../../model/records/records.ts';
import { ruleOfMachine } from '../../model/values/redaction-rules.ts';
import type { HistoryEntry, Patch } from '../../store/entry.ts';
import { ShownActor } from '../actors/shown-actor.ts';
import { jobSteps } from '../replay/job-steps.ts';
import { Shown } from '../shown.ts';
import { type ActorShowing, actorFile } from './actor-file.ts';
import type { Import } from './imports.ts';
import { jobFile } from './job-file.ts';

/** The options of `copyAsTest`. */
export interface CopyOptions {
  /** The paths that stay hidden, as `redact` of the definition has them; `[]`: none. Default: no value is shown. */
  readonly redact?: readonly string[];
  /** Keeps every value, also what is hidden elsewhere. Default false. */
  readonly values?: boolean;
  /** Where the test imports the machine from. A job is imported by who edits the test. */
  readonly from?: Import;
}

/**
 * Writes the history of an actor, or of a job, as a whole test file for vitest: what came to it and when, and the way that it went. The
 * file passes as it is; change what it expects to how it should have gone. What redaction hides stays hidden.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, type HistoryEntry, memoryStore } from 'signalbox';
 * import { copyAsTest } from 'signalbox/testing';
 *
 * const greet = defineJob({ name: 'greet', run: (whom: string) => `hello ${whom}` });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [greet] });
 * await box.start();
 * const job = await box.queue().put(greet('Ada'));
 * await job.result();
 * const history: HistoryEntry[] = [];
 * for await (const entry of box.store.history('job', job.id ?? '')) history.push(entry);
 * const file = copyAsTest(history, { redact: [] });
 * console.log(file.includes("run: (..._args: never[]) => 'hello Ada'")); // => true
 * await box.stop();
 * ```
 *
 * @param entries - of one actor or one job, in any order, back to its beginning.
 * @throws SignalboxError `HISTORY_CUT` when the beginning is missing; `INVALID_OPTION`.
 */
export function copyAsTest(entries: Iterable<HistoryEntry>, options: CopyOptions = {}): string {
  checkKnown(options, ['redact', 'values', 'from']);
  const history = [...entries].sort((one, other) => one.seq - other.seq);
  const [first] = history;
  if (first === undefined || history.some(({ kind, id }) => kind !== first.kind || id !== first.id))
    throw invalidOption(
      'entries',
      'the history of one job or one actor',
      first === undefined ? 'none' : 'several',
    );
  const { from = null } = options;
  if (first.kind === 'actor')
    return actorFile(history, from, (actor) => actorShowing(actor, history, options));
  if (first.kind === 'job') return ofJob(history, from, options);
  throw invalidOption('entries', 'the history of a job or an actor', first.kind);
}

function actorShowing(
  actor: ActorRecord,
  history: readonly HistoryEntry[],
  { redact, values = false }: CopyOptions,
): ActorShowing {
  if (values) return { value: same, carried: same, text: same, notes: [] };
  const rules = redact === undefined ? {} : { [ruleOfMachine(actor.machine)]: redact };
  const shown = new ShownActor(rules, actor, history);
  return {
    value: (value) => shown.value(value),
    carried: (arg) => shown.carried(arg),
    text: (text) => shown.text(text),
    notes: notesFor(redact),
  };
}

function ofJob(
  history: readonly HistoryEntry[],
  from: Import | null,
  { redact, values = false }: CopyOptions,
): string {
  const sound = history.filter(({ gone }) => !gone).map(withoutStacks);
  const last = [...jobSteps(sound)].at(-1)?.after as JobRecord;
  if (values) return jobFile(sound, from, []);
  const rules = redact === undefined ? {} : { [last.name]: redact };
  const shown = new Shown(rules).job(
    last,
    sound.map(({ patch }) => patch),
  );
  const hidden = sound.map((entry) => ({
    ...entry,
    patch: entry.patch === null ? null : shown.patch(entry.patch),
  }));
  return jobFile(hidden, from, notesFor(redact));
}

function notesFor(redact: readonly string[] | undefined): readonly string[] {
  if (redact === undefined)
    return ['Values are left out, since nothing says which of them may be shown; `--values` keeps them.'];
  return redact.length === 0 ? [] : ['Values at redacted paths are left out; `--values` keeps them.'];
}

/** Where code failed says nothing in a test. */
function withoutStacks(entry: HistoryEntry): HistoryEntry {
  const { outcome, lastFailure } = (entry.patch ?? {}) as Partial<JobRecord>;
  if (outcome == null && lastFailure == null) return entry;
  const patch: Record<string, unknown> = { ...entry.patch };
  if (outcome != null && !outcome.ok) patch.outcome = { ok: false, failure: stackless(outcome.failure) };
  if (lastFailure != null) patch.lastFailure = { ...lastFailure, failure: stackless(lastFailure.failure) };
  return { ...entry, patch: patch as Patch };
}

function stackless(failure: Failure): Failure {
  return { ...failure, stack: '', cause: failure.cause === null ? null : stackless(failure.cause) };
}

function same<Value extends Json>(value: Value): Value {
  return value;
}
