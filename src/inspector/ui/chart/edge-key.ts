import type { EdgeName } from '../../protocol/job.ts';

/** One text for an edge: two edges are the same when it is. */
export function edgeKey({ source, event, guard, target }: EdgeName): string {
  return [source, event, guard ?? '', target ?? ''].join('|');
}
