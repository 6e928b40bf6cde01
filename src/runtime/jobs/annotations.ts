import type { Json } from '../../../machines/json.ts';
import type { Change, OpenStore, Precondition } from '../../store/store.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';

/** The change that sets an annotation of a job. */
export function annotationChange(job: string, name: string, value: Json): Change {
  return {
    kind: 'annotation',
    id: `${job}/${name}`,
    event: 'annotation.set',
    from: null,
    to: null,
    patch: { value },
  };
}

/** The preconditions of a commit that annotates a job: there is such a job, and its annotations stay within the limit. */
export function ifAnnotatable({ limits }: RuntimeContext, job: string): readonly Precondition[] {
  return [
    { check: 'exists', id: job },
    { check: 'atMost', of: 'annotations', id: job, most: limits.annotations },
  ];
}

/** The annotations of a job, as stored, by name. */
export async function annotationsOf(
  store: Pick<OpenStore, 'annotations'>,
  job: string,
): Promise<Record<string, Json>> {
  const annotations = await store.annotations(job);
  return Object.fromEntries(
    annotations.map((annotation) => [annotation.id.slice(job.length + 1), annotation.value]),
  );
}
