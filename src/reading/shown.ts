import type { Failure, Outcome } from '../../machines/job.context.ts';
import type { Json } from '../../machines/json.ts';
import type { JobRecord } from '../model/records/records.ts';
import { isSystemName, splitSystemName } from '../model/records/system-names.ts';
import { Redactor } from '../model/values/redaction.ts';
import { type RedactionRules, rulesOf } from '../model/values/redaction-rules.ts';
import type { Patch } from '../store/entry.ts';
import type { StoreReader } from '../store/reader.ts';

/** What an unknown definition hides: everything, but for the name and the code of a failure. */
const everything: readonly string[] = ['*', 'result', 'failure'];

/**
 * The only way to the values of a store for those who show them: pages, tables, exports. It hides what definitions hide, by
 * the rules in the store, so it needs none of their code.
 */
export class Shown {
  readonly #rules: RedactionRules;

  constructor(rules: RedactionRules) {
    this.#rules = rules;
  }

  /** By the rules as they are now. */
  static async of(reader: Pick<StoreReader, 'get'>): Promise<Shown> {
    return new Shown((await reader.get('store', 'store'))?.redactions ?? {});
  }

  /** What may be shown of a job. `patches`: those of its history; what any of them had to hide is hidden in all texts. */
  job(job: JobRecord, patches: Iterable<Patch | null> = []): ShownJob {
    const paths = this.#pathsOf(job.name);
    const shown = new ShownJob(job, paths ?? everything, paths === null ? reason(job.name) : null);
    for (const patch of patches) if (patch !== null) shown.learn(patch);
    return shown;
  }

  /** A system job speaks of a job of the definition that it needs. */
  #pathsOf(name: string): readonly string[] | null {
    const known = rulesOf(this.#rules, splitSystemName(name)?.needs ?? name);
    return known === null && isSystemName(name) && splitSystemName(name) === null ? [] : known;
  }
}

function reason(name: string): string {
  return `not shown: this store does not know what definition '${splitSystemName(name)?.needs ?? name}' hides`;
}

/** One job, as it may be shown. */
export class ShownJob {
  /** Why none of its values is shown; null: they are. */
  readonly hidden: string | null;
  readonly #job: JobRecord;
  readonly #redactor: Redactor;

  constructor(job: JobRecord, paths: readonly string[], hidden: string | null) {
    this.#job = job;
    this.hidden = hidden;
    this.#redactor = new Redactor(paths, job.args);
    this.learn(job as unknown as Patch);
  }

  /** Remembers what a version of its values has to hide. */
  learn({ args, outcome, retryData }: Patch): void {
    if (Array.isArray(args)) this.#redactor.version(args);
    if (isOutcome(outcome) && outcome.ok) this.#redactor.value(outcome.value);
    if (retryData != null) this.#redactor.plain(retryData);
  }

  get args(): readonly Json[] {
    return this.#args(this.#job.args);
  }

  get outcome(): Outcome | null {
    return this.#job.outcome === null ? null : this.#outcome(this.#job.outcome);
  }

  failure(failure: Failure): Failure {
    return this.#redactor.failure(failure);
  }

  /** A text about it, such as an explanation. */
  text(text: string): string {
    return this.#redactor.text(text);
  }

  /** Why it was stopped or put off: as a person or its code said it. */
  reason(text: string): string {
    return this.hidden === null ? this.text(text) : notShown;
  }

  /** The value of an annotation of it. */
  annotation(value: Json): Json {
    return this.hidden === null ? this.#redactor.plain(value) : notShown;
  }

  /** Its record, or the patch of an entry of it, with what may be shown. Keys that hold no values are as they are. */
  patch(patch: Patch): Patch {
    const shown: Record<string, Json> = { ...patch };
    const { args, outcome, retryData, lastFailure, unsound } = patch;
    if (Array.isArray(args)) shown.args = this.#args(args);
    if (isOutcome(outcome)) shown.outcome = this.#outcome(outcome) as unknown as Json;
    if (retryData != null) shown.retryData = this.annotation(retryData);
    if (unsound != null) shown.unsound = this.annotation(unsound);
    for (const key of ['stop', 'snoozed']) {
      const { [key]: said } = patch as { readonly [key: string]: Reasoned | null | undefined };
      if (said?.reason != null) shown[key] = { ...said, reason: this.reason(said.reason) };
    }
    const failed = lastFailure as unknown as JobRecord['lastFailure'] | undefined;
    if (failed != null)
      shown.lastFailure = { at: failed.at, failure: this.failure(failed.failure) as unknown as Json };
    return shown;
  }

  #args(args: readonly Json[]): readonly Json[] {
    return this.#redactor.version(args).map((arg) => this.#redactor.plain(arg));
  }

  #outcome(outcome: Outcome): Outcome {
    if (!outcome.ok) return { ok: false, failure: this.failure(outcome.failure) };
    return { ok: true, value: this.#redactor.plain(this.#redactor.value(outcome.value)) };
  }
}

/** What was done to a job, and why. */
interface Reasoned {
  readonly [key: string]: Json;
  readonly reason: string | null;
}

const notShown = '[redacted]';

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'ok' in value;
}
