import { type OutlineState, outlineOf } from '../../../model/durable/look.ts';
import type { ActorRecord } from '../../../model/records/records.ts';
import type { ActorExplanation } from '../../../reading/actors/actor-explanation.ts';
import { eventWords } from '../../../reading/actors/event-words.ts';
import { explainActor, steppingMachine } from '../../../reading/actors/explain-actor.ts';
import { ShownActor } from '../../../reading/actors/shown-actor.ts';
import { around } from '../../../reading/coverage/compare/coverage-chart.ts';
import type { KnownNames } from '../../../reading/explanation.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { DurableActorView, DurableLine, DurableState } from '../../protocol/durable.ts';
import { authorOf } from '../job/history-view.ts';
import { failureView } from '../values/failure-view.ts';
import { lineLimits, treeOf } from '../values/tree.ts';
import { asShown } from './durable-view.ts';
import { type Visits, visitsOf } from './visits.ts';

/** How many entries of an actor are read, and how many of them are listed. */
const [mostEntries, mostLines] = [5000, 200];

/** What beside the store the view may ask. */
export interface DurableBeside {
  /** What this process knows by name; null: nothing. */
  readonly names: KnownNames | null;
  /** Explains an actor with what this process knows. */
  readonly explain?: (id: string) => Promise<ActorExplanation | undefined>;
}

/** Everything that the page of a durable actor shows; undefined when there is no such actor. */
export async function durableActorView(
  reader: StoreReader,
  id: string,
  { names, explain = (of) => explainActor(reader, of, names) }: DurableBeside = { names: null },
): Promise<DurableActorView | undefined> {
  const actor = await reader.get('actor', id);
  const explanation = actor === undefined ? undefined : await explain(id);
  if (actor === undefined || explanation === undefined) return undefined;
  const entries = await entriesOf(reader, actor);
  const shown = await ShownActor.of(reader, actor, entries);
  const why = shown.hidden ?? 'redacted';
  const { verdict, next, mail, timers, children } = explanation;
  return {
    ...{ id, machine: actor.machine, version: actor.version, status: asShown(actor.status) },
    ...{ state: actor.state, startedAt: actor.startedAt, finishedAt: actor.finishedAt },
    verdict: { ...verdict, text: shown.text(verdict.text) },
    next:
      next?.map(({ event, guards, isOpen }) => ({
        ...{ event, isOpen },
        guards: guards.includes(null) ? [] : guards.filter((guard) => guard !== null),
      })) ?? null,
    timers: timers.map(({ id: timer, event, dueAt, to }) => ({
      ...{ id: timer, dueAt, to, words: eventWords(event ?? timer) },
    })),
    timerCount: explanation.timerCount,
    mail: {
      count: mail.count,
      first: mail.first.map(({ id: message, event, from, at }) => ({
        ...{ id: message, at, event: event === null ? null : eventWords(event) },
        // Ids of jobs have no slash.
        from: from === null ? null : { kind: from.includes('/') ? 'actor' : 'job', id: from },
      })),
    },
    children: children.map(({ name, id: target, kind, src, state, ending, at }) => ({
      ...{ id: name, target, kind, src, state, ending, at },
    })),
    ...{ childCount: explanation.childCount, parent: explanation.parent },
    ...statesOf(actor, names, visitsOf(entries, actor.finishedAt ?? reader.now())),
    context: treeOf(shown.context, undefined, why),
    output: actor.status === 'done' ? treeOf(shown.output, undefined, why) : null,
    failure: shown.failure === null ? null : failureView(shown.failure),
    hidden: shown.hidden,
    history: linesOf(entries, shown, why).slice(-mostLines),
    entries: entries.length,
    isCut: (entries[0]?.q ?? 0) > 0,
  };
}

/** Oldest first. */
async function entriesOf(
  reader: StoreReader,
  { id, lastSeq }: ActorRecord,
): Promise<readonly HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for await (const entry of reader.history('actor', id, lastSeq))
    if (entries.push(entry) >= mostEntries) break;
  return entries.reverse();
}

function linesOf(entries: readonly HistoryEntry[], shown: ShownActor, why: string): readonly DurableLine[] {
  return entries.map(({ seq, at, event, from, to, by, arg, gone }, index) => ({
    ...{ seq, at, event, from, to: gone ? null : to, by: authorOf(by).by, words: eventWords(event) },
    afterMs: index === 0 ? null : at - (entries[index - 1]?.at ?? at),
    arg: arg === undefined ? null : treeOf(shown.carried(arg), lineLimits, why),
  }));
}

function statesOf(
  actor: ActorRecord,
  names: KnownNames | null,
  visits: Visits,
): Pick<DurableActorView, 'states' | 'noChart'> {
  const isNow = new Set(around(actor.state));
  const known = names?.machine(actor.machine)?.prepared;
  const machine = known === undefined ? null : steppingMachine(known, actor);
  const outline = machine === null ? null : outlineOf(machine);
  const noChart =
    names === null || known === undefined
      ? 'Its machine is known in a process that has it: the states that it was in are listed.'
      : machine === null
        ? `This process does not have version ${actor.version} of its machine: the states that it was in are listed.`
        : outline === null
          ? 'It is a reducer, which has one state.'
          : null;
  const states = outline?.filter(({ path, ways }) => path !== '' || ways.length > 0);
  const others = [...visits.keys()].filter((path) => !states?.some((state) => state.path === path));
  return {
    noChart,
    states: [...(states ?? []), ...others.map(stranger)].map((state) => stateOf(state, visits, isNow)),
  };
}

function stranger(path: string): OutlineState {
  return { path, type: 'atomic', invokes: [], ways: [] };
}

function stateOf(state: OutlineState, visits: Visits, isNow: ReadonlySet<string>): DurableState {
  return {
    ...state,
    ...(visits.get(state.path) ?? { visits: 0, ms: 0 }),
    isNow: isNow.has(state.path),
    ways: state.ways.map(({ event, guard, targets }) => ({ words: eventWords(event), guard, targets })),
  };
}
