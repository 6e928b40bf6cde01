import type { ActorTimer } from '../../../machines/actor.machine.ts';
import type { Json } from '../../../machines/json.ts';
import { invalidOption, SignalboxError } from '../../errors.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import { canonicalJson } from '../../model/values/canonical-json.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import { changed, SharedValues } from '../../store/rules/changes/record-change.ts';

/** One entry of an actor, with the actor around it. */
export interface ActorChange {
  readonly entry: HistoryEntry;
  /** Undefined: it was never there. */
  readonly before: ActorRecord | undefined;
  readonly after: ActorRecord;
}

/** The history of an actor, oldest first, with the actor before and after each entry. What comes before an eviction is left out. */
export function* actorChanges(entries: Iterable<HistoryEntry>): Generator<ActorChange> {
  let before: ActorRecord | undefined;
  for (const entry of entries) {
    if (entry.gone) {
      before = undefined;
      continue;
    }
    const after = changed(entry, before, entry.seq, new SharedValues()) as ActorRecord;
    yield { entry, before, after };
    before = after;
  }
}

/** Something that came to an actor. */
export interface ActorHappening {
  /** Milliseconds after its start. */
  readonly after: number;
  readonly event: string;
  /** What it carried beside its type. */
  readonly arg: Json | undefined;
}

/** The last life of an actor, as it can be led again. */
export interface ActorStory {
  readonly id: string;
  readonly machine: string;
  /** Instant of its start. */
  readonly at: number;
  /** Its first and its last entry. */
  readonly from: HistoryEntry;
  readonly to: HistoryEntry;
  /** What its start was given; undefined: nothing. */
  readonly input: Json | undefined;
  /** The actor after its start, where the input is not known: its parent gave it. */
  readonly begun: ActorRecord | null;
  /** All that came to it: timers only when `timers` says so. */
  readonly happened: readonly ActorHappening[];
  /** Whether timers fired by themselves: each when it was due. Else they are among what happened. */
  readonly timers: 'due' | 'told';
  /** Milliseconds after its start at which its history ends. */
  readonly until: number;
  /** The states that it was in, one after the other. */
  readonly states: readonly string[];
  readonly last: ActorRecord;
}

/**
 * Reads the last life of an actor from its entries, oldest first.
 * @throws SignalboxError `HISTORY_CUT` when its start is not among them; `INVALID_OPTION` when there are none.
 */
export function actorStory(entries: readonly HistoryEntry[]): ActorStory {
  const changes = lastLife([...actorChanges(entries)]);
  const [first] = changes;
  const end = changes.at(-1);
  if (first === undefined || end === undefined)
    throw invalidOption('entries', 'the history of an actor', 'none');
  const { entry: from, after: begun } = first;
  if (from.event !== 'signalbox.start') throw new SignalboxError('HISTORY_CUT', { seq: from.seq });
  const at = begun.startedAt;
  const fired = changes.map(firedTimer);
  // One that fired late, such as after a night without a process, may have kept another from firing.
  const isLate = fired.some((timer, index) => timer !== undefined && timer[0] !== changes[index]?.entry.at);
  const happened = changes.filter(
    ({ entry }, index) =>
      index > 0 && entry.event !== 'signalbox.migrate' && (isLate || fired[index] === undefined),
  );
  return {
    ...{ id: from.id, machine: begun.machine, at, from, to: end.entry },
    input: begun.parent === null ? (from.arg ?? undefined) : undefined,
    begun: begun.parent === null ? null : begun,
    happened: happened.map(({ entry, before, after }) => ({
      after: entry.at - at,
      event: entry.event,
      arg: entry.event === 'signalbox.skip' ? skipped(before, after) : entry.arg,
    })),
    timers: isLate ? 'told' : 'due',
    until: end.entry.at - at,
    states: merged(changes.map(({ after }) => after.state)),
    last: end.after,
  };
}

function lastLife(changes: readonly ActorChange[]): readonly ActorChange[] {
  const start = changes.findLastIndex(({ entry }) => entry.event === 'signalbox.start');
  return changes.slice(Math.max(0, start));
}

/** The timer that an entry is the firing of; undefined: it is none. */
function firedTimer({ entry, before, after }: ActorChange): ActorTimer | undefined {
  const candidates = Object.entries(before?.timers ?? {}).filter(([id, [, seq, event]]) => {
    const { type, ...carried } = event as { readonly type: string };
    const isIt = type === entry.event && canonicalJson(carried) === canonicalJson(entry.arg ?? {});
    return isIt && after.timers?.[id]?.[1] !== seq;
  });
  const [first] = candidates.map(([, timer]) => timer).sort((one, other) => one[0] - other[0]);
  return first;
}

/** Which timer a skip has dropped. */
function skipped(before: ActorRecord | undefined, { timers }: ActorRecord): Json | undefined {
  const gone = Object.keys(before?.timers ?? {}).find((id) => timers?.[id] === undefined);
  return gone === undefined ? undefined : { timer: gone };
}

/** Without repetitions of what is there already. */
export function merged(states: readonly string[]): readonly string[] {
  return states.filter((state, index) => state !== states[index - 1]);
}
