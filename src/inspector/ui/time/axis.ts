import type { Moment, TimebarView } from '../../protocol/timeline.ts';

/** The history that a time bar shows. */
export interface History extends TimebarView {
  readonly from: Moment;
  readonly to: Moment;
}

/** Whether there is anything to show. */
export function hasHistory(view: TimebarView | null): view is History {
  return view !== null && view.from !== null && view.to !== null;
}

/** The newest entry at an instant, as far as the steps say. */
export function seqAt({ from, to, stepMs, seqs }: History, at: number): number {
  const place = Math.max(0, (at - from.at) / stepMs);
  const step = Math.min(seqs.length - 2, Math.floor(place));
  const [before = from.seq, after = to.seq] = [seqs[step], seqs[step + 1]];
  const within = Math.min(1, place - step);
  return clamp(Math.floor(before + within * (after - before)), from.seq, to.seq);
}

/** When an entry was, as far as the steps say. */
export function instantOf({ from, to, stepMs, seqs }: History, seq: number): number {
  if (seq >= to.seq) return to.at;
  const step = Math.max(
    0,
    seqs.findLastIndex((begin) => begin <= seq),
  );
  const [before = from.seq, after = to.seq] = [seqs[step], seqs[step + 1]];
  const within = after === before ? 0 : (seq - before) / (after - before);
  return clamp(from.at + (step + within) * stepMs, from.at, to.at);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const tickSteps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((count) => count * hour),
];

/** Round instants between two others, at most eight. `offset`: of the clock of this computer, in milliseconds. */
export function ticksBetween(from: number, to: number, offset: number): readonly number[] {
  const step = tickSteps.find((each) => (to - from) / each <= 8) ?? (to - from) / 8;
  const first = Math.ceil((from + offset) / step) * step - offset;
  const ticks: number[] = [];
  for (let at = first; at < to && ticks.length < 9; at += step) if (at > from) ticks.push(at);
  return ticks;
}

/** The height of each step, from 0 to 1: few entries must still be seen beside many. */
export function heightsOf({ seqs }: Pick<TimebarView, 'seqs'>): readonly number[] {
  const counts = seqs.slice(1).map((seq, index) => seq - (seqs[index] ?? seq));
  const most = Math.max(1, ...counts);
  return counts.map((count) => (count <= 0 ? 0 : Math.max(0.06, Math.sqrt(count / most))));
}
