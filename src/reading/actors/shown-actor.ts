import type { Failure } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import { Redactor } from '../../model/values/redaction.ts';
import { type RedactionRules, ruleOfMachine, rulesOf } from '../../model/values/redaction-rules.ts';
import type { HistoryEntry, Patch } from '../../store/entry.ts';
import type { StoreReader } from '../../store/reader.ts';

const notShown = '[redacted]';

/**
 * The only way to the values of an actor for those who show them. It hides what its machine hides, by the rules in the store: a path
 * is one of its context, of its events and of its output alike. Of a machine that the store does not know nothing is shown but the
 * name and the code of a failure.
 */
export class ShownActor {
  /** Why none of its values is shown; null: they are. */
  readonly hidden: string | null;
  readonly #actor: ActorRecord;
  readonly #redactor: Redactor;

  /** `entries`: its history; what any of them had to hide is hidden in all texts. */
  constructor(rules: RedactionRules, actor: ActorRecord, entries: Iterable<HistoryEntry> = []) {
    const paths = rulesOf(rules, ruleOfMachine(actor.machine));
    this.#actor = actor;
    this.hidden =
      paths === null ? `not shown: this store does not know what machine '${actor.machine}' hides` : null;
    const all = paths ?? ['*', 'failure'];
    this.#redactor = new Redactor([...all.map((path) => `0.${path}`), ...all.filter(isFailure)], []);
    this.#learn(actor as unknown as Patch);
    for (const { patch, arg } of entries) {
      if (patch !== null) this.#learn(patch);
      if (arg !== undefined) this.carried(arg);
    }
  }

  static async of(
    reader: Pick<StoreReader, 'get'>,
    actor: ActorRecord,
    entries: Iterable<HistoryEntry> = [],
  ): Promise<ShownActor> {
    return new ShownActor((await reader.get('store', 'store'))?.redactions ?? {}, actor, entries);
  }

  /** The context of its machine; of a reducer its state. */
  get context(): Json {
    return this.value(contextIn(this.#actor as unknown as Patch));
  }

  /** What its machine gave when it was done. */
  get output(): Json {
    return this.value(this.#actor.output);
  }

  get failure(): Failure | null {
    const { failure } = this.#actor;
    return failure === null ? null : this.#redactor.failure(failure);
  }

  /** An event of it, or what one carried. */
  value(value: Json): Json {
    if (value === null) return null;
    if (this.hidden !== null) return notShown;
    const [shown = null] = this.#redactor.version([value]);
    return this.#redactor.plain(shown);
  }

  /** What an event carried beside its type. The output of a child has its own beginning. */
  carried(arg: Json): Json {
    if (this.hidden !== null || arg === null || typeof arg !== 'object' || !('output' in arg))
      return this.value(arg);
    const { output = null, ...rest } = arg as { readonly [key: string]: Json };
    return { ...(this.value(rest) as object), output: this.value(output) };
  }

  /** A text about it, such as an explanation. The words of its failure are those that may be shown. */
  text(text: string): string {
    const raw = this.#actor.failure?.message ?? '';
    const said = raw === '' ? text : text.replaceAll(raw, () => this.failure?.message ?? '');
    return this.#redactor.text(said);
  }

  #learn(patch: Patch): void {
    const { output = null, timers } = patch as { readonly output?: Json; readonly timers?: Json };
    const events = Object.values(timers ?? {}).flatMap((timer) => (Array.isArray(timer) ? [timer[2]] : []));
    for (const value of [contextIn(patch), output, ...events]) this.#redactor.version([value]);
  }
}

function isFailure(path: string): boolean {
  return path === 'failure';
}

/** The context in a record or a patch, as a program has it. All of a reducer is under the empty key. */
function contextIn(patch: Patch): Json {
  const context: [string, Json][] = [];
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith('c:') || value === null) continue;
    // A null of a program is stored so, since null clears a key.
    const given = typeof value === 'object' && '$null' in value ? null : value;
    if (key === 'c:') return given;
    context.push([key.slice(2), given]);
  }
  return Object.fromEntries(context);
}
