import { type History, instantOf, seqAt } from './axis.ts';

/** How fast the past is played. */
export const speeds = [1, 4, 16] as const;
export type Speed = (typeof speeds)[number];

/** How often the picture moves while it plays. */
export const frameMs = 250;

/**
 * The entry that is shown after another one, when so much time of the past goes by. A time in which nothing happened is folded:
 * then it is the next entry. Null: it is the end.
 */
export function nextSeq(history: History, seq: number, ms: number): number | null {
  const newest = history.to.seq;
  const next = Math.max(seq + 1, seqAt(history, instantOf(history, seq) + ms));
  return next >= newest ? null : next;
}

/** The same for the entries of one job. */
export function nextLine(
  lines: readonly { readonly seq: number; readonly at: number }[],
  seq: number,
  ms: number,
): number | null {
  const index = lines.findLastIndex((line) => line.seq <= seq);
  const until = (lines[index]?.at ?? 0) + ms;
  const reached = lines.findLastIndex(({ at }) => at <= until);
  const next = Math.max(index + 1, reached);
  return next >= lines.length - 1 ? null : (lines[next]?.seq ?? null);
}

/** The speed after another one: the first again after the last. */
export function speedAfter(speed: Speed): Speed {
  return speeds[(speeds.indexOf(speed) + 1) % speeds.length] ?? 1;
}
