import type { HistoryLine } from '../../protocol/job.ts';
import type {
  SequenceBar,
  SequenceFold,
  SequenceLane,
  SequenceRow,
  SequenceView,
} from '../../protocol/timeline.ts';
import { type Folded, foldRepeats } from './folding.ts';
import { laneState } from './lanes-view.ts';
import { jobLane, type Message, messagesOf, storeLane, type Told } from './sequence-messages.ts';

/** Lanes of one picture, and the entries that it shows. */
const [mostLanes, mostTold] = [8, 400];
/** Silence that is folded. */
const idleMs = 1000;

/** What a sequence is made of. */
export interface Story {
  readonly id: string;
  readonly name: string;
  /** Of the job and of its neighbours, in the order of the journal. */
  readonly told: readonly Told[];
  readonly isCut: boolean;
  /** Whether the distance of two seqs is a number of entries. */
  readonly isDense: boolean;
}

/** Draws who sent what to whom about one job. `isFolded`: silence and repeats are. Pure. */
export function sequenceOf(story: Story, { isFolded }: { readonly isFolded: boolean }): SequenceView {
  const lanesOfJobs = new Set(story.told.map(({ job }) => jobLane(job)));
  const told = story.told
    .slice(-mostTold)
    .map((each) => (lanesOfJobs.has(each.awaited ?? '') ? each : { ...each, awaited: null }));
  const folded: readonly Folded<Told>[] = isFolded
    ? foldRepeats(told, signOf)
    : told.map((item) => ({ is: 'one', item }));
  const lanes = lanesOf(story, told);
  const drawing = new Drawing(story, lanes.keys, isFolded);
  for (const each of folded) {
    if (each.is === 'one') drawing.entry(each.item);
    else drawing.repeats(each.items, each.times);
  }
  const [first, last] = [told[0]?.line, told.at(-1)?.line];
  return {
    id: story.id,
    name: story.name,
    lanes: lanes.shown,
    rows: drawing.rows,
    bars: drawing.bars(),
    from: first?.seq ?? 0,
    to: last?.seq ?? 0,
    fromAt: first?.at ?? 0,
    toAt: last?.at ?? 0,
    entries: story.isDense ? (last?.seq ?? 0) - (first?.seq ?? 1) + 1 : null,
    shown: told.length,
    isCut: story.isCut || told.length < story.told.length,
    more: lanes.more,
  };
}

function signOf({ job, line: { event, to, note } }: Told): string {
  // `again in 5 s` and `again in 30 s` are the same step.
  return `${job} ${event} ${to} ${(note ?? '').replace(/\d+(\.\d+)?/g, '#')}`;
}

interface Lanes {
  readonly keys: ReadonlyMap<string, number>;
  readonly shown: readonly SequenceLane[];
  readonly more: number;
}

/** Programs, the store, processes, agents, the job, its neighbours: from left to right, at most eight. */
function lanesOf({ id }: Story, told: readonly Told[]): Lanes {
  const all = new Map<string, SequenceLane>();
  for (const each of told) {
    all.set(jobLane(each.job), { is: 'job', title: each.name, note: noteOfJob(each), job: each.job });
    for (const { from, to } of messagesOf(each, id))
      for (const key of [from, to]) if (!all.has(key)) all.set(key, laneOf(key));
  }
  const order = ['client', 'store', 'dispatcher', 'agent', 'job'];
  const place = ([key, { is }]: [string, SequenceLane]): number =>
    order.indexOf(is) + (is === 'job' && key !== jobLane(id) ? 0.5 : 0);
  const wanted = [...all].sort((one, other) => place(one) - place(other));
  // The job, the store and those who sent it something first; neighbours have what is left.
  const kept = [...wanted]
    .sort((one, other) => rank(one[0], id) - rank(other[0], id))
    .slice(0, mostLanes)
    .map(([key]) => key);
  const shown = wanted.filter(([key]) => kept.includes(key));
  return {
    keys: new Map(shown.map(([key], index) => [key, index])),
    shown: shown.map(([, lane]) => lane),
    more: wanted.length - shown.length,
  };
}

function rank(key: string, id: string): number {
  if (key === jobLane(id)) return 0;
  if (key === storeLane) return 1;
  return key.startsWith('job/') ? 3 : 2;
}

function noteOfJob({ job, role }: Told): string {
  if (role === 'itself') return job;
  return role === 'awaited' ? 'what it waits for' : role === 'parent' ? 'its parent' : 'its callback';
}

function laneOf(key: string): SequenceLane {
  const [what, by = '', name = ''] = key.split('/', 3);
  if (what === 'agent') return { is: 'agent', title: name, note: by, job: null };
  if (what === 'by') return { is: 'dispatcher', title: by, note: 'dispatcher', job: null };
  if (what === 'client') return { is: 'client', title: 'client', note: 'the program', job: null };
  return { is: 'store', title: 'store', note: 'journal', job: null };
}

/** Rows and bars as they are drawn, from above. */
class Drawing {
  readonly rows: SequenceRow[] = [];
  readonly #story: Story;
  readonly #lanes: ReadonlyMap<string, number>;
  readonly #isFolded: boolean;
  readonly #bars: SequenceBar[] = [];
  /** Index of the bar that has not ended, by lane. */
  readonly #open = new Map<number, number>();
  #before: Told | null = null;
  /** The newest entry of the job itself. */
  #own: Told | null = null;

  constructor(story: Story, lanes: ReadonlyMap<string, number>, isFolded: boolean) {
    this.#story = story;
    this.#lanes = lanes;
    this.#isFolded = isFolded;
  }

  entry(told: Told): void {
    const { seq, at } = told.line;
    const messages = messagesOf(told, this.#story.id).flatMap((message) => this.#placed(message));
    if (messages.length > 0) this.#silence(told);
    const start = this.rows.length;
    const afterMs = this.#before === null ? null : at - this.#before.line.at;
    for (const [index, message] of messages.entries())
      this.rows.push({
        is: 'message',
        seq,
        at,
        afterMs: index === 0 ? afterMs : null,
        isFirst: index === 0,
        ...message,
      });
    this.#state(told, Math.max(start, this.rows.length - 1));
    if (messages.length > 0) this.#agent(told, start);
    if (messages.length > 0) this.#before = told;
    if (told.job === this.#story.id) this.#own = told;
  }

  repeats(items: readonly Told[], times: number): void {
    const events = [...new Set(items.map(({ line }) => line.event.replace(/^job\./, '')))];
    this.#fold({ spans: [], repeats: { events, times }, entries: items.length });
    this.#before = items.at(-1) ?? this.#before;
  }

  bars(): readonly SequenceBar[] {
    return this.#bars.filter(({ from, to }) => from !== to);
  }

  #placed({ from, to, ...rest }: Message) {
    const [start, end] = [this.#lanes.get(from), this.#lanes.get(to)];
    return start === undefined || end === undefined ? [] : [{ from: start, to: end, ...rest }];
  }

  /** Silence, and what others did meanwhile. */
  #silence({ line }: Told): void {
    const before = this.#before;
    if (!this.#isFolded || before === null || line.at - before.line.at < idleMs) return;
    this.#fold({
      spans: spansOf(this.#own ?? before, before.line.at, line.at),
      repeats: null,
      entries: this.#story.isDense ? Math.max(0, line.seq - before.line.seq - 1) : null,
    });
  }

  #fold(fold: Omit<SequenceFold, 'is'>): void {
    this.rows.push({ is: 'fold', ...fold });
  }

  #state({ job, line, due }: Told, row: number): void {
    const lane = this.#lanes.get(jobLane(job));
    if (lane === undefined) return;
    if (line.to === null) {
      this.#end(lane, row);
      return;
    }
    const is = laneState(
      line.to,
      due > line.at,
      line.to === 'completed' ? (line.ending ?? this.#endingOf(job)) : null,
    );
    const open = this.#open.get(lane);
    if (open !== undefined && this.#bars[open]?.is === is) return;
    // Nothing happens to a callback before its turn.
    if (is === 'new') this.#end(lane, row);
    else this.#begin(lane, is, row);
  }

  #endingOf(job: string): HistoryLine['ending'] {
    return (
      this.#story.told.findLast((told) => told.job === job && told.line.ending !== null)?.line.ending ?? null
    );
  }

  /** An agent is at work on the job from the claim on, until the job has left it. */
  #agent({ sender, job, line }: Told, row: number): void {
    const lane = this.#lanes.get(sender);
    if (lane === undefined || !sender.startsWith('agent/') || job !== this.#story.id) return;
    const isOver = line.to === 'pending' || line.to === 'completed' || line.to === 'new';
    if (!this.#open.has(lane)) this.#begin(lane, 'agent', row);
    if (isOver) this.#end(lane, this.rows.length - 1);
  }

  #begin(lane: number, is: SequenceBar['is'], row: number): void {
    this.#end(lane, row);
    this.#open.set(lane, this.#bars.push({ lane, is, from: row, to: null }) - 1);
  }

  #end(lane: number, row: number): void {
    const index = this.#open.get(lane);
    const bar = index === undefined ? undefined : this.#bars[index];
    if (index !== undefined && bar !== undefined) this.#bars[index] = { ...bar, to: row };
    this.#open.delete(lane);
  }
}

/** In which states the job was in a silence: what is held until it is due waits from then on. */
function spansOf({ line, due }: Told, from: number, until: number): SequenceFold['spans'] {
  if (line.to === null) return [];
  const is = laneState(line.to, due > from, line.ending);
  if (is !== 'held' || due >= until) return [{ is, ms: until - from }];
  return [
    { is, ms: due - from },
    { is: 'pending', ms: until - due },
  ];
}
