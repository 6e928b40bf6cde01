import type { SequenceView } from '../../../protocol/timeline.ts';
import { numberText } from '../../format.ts';
import { ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { SequencePicture } from '../../parts/sequence-picture.tsx';
import { pageHash } from '../../route.ts';
import { usePresent } from '../../source/live.ts';

/** Who sent what to this job, and to its parent and callbacks, in which order. */
export function Sequence(props: {
  readonly id: string;
  /** The entry of the moment; null: now. */
  readonly at: number | null;
  readonly select: (seq: number) => void;
}) {
  const { id } = props;
  const live = usePresent<SequenceView>(`sequence/${encodeURIComponent(id)}`);
  const view = live.answer.value?.data ?? null;
  if (view === null)
    return live.problem.value === null ? (
      <Skeleton />
    ) : (
      <ProblemBox problem={live.problem.value} again={live.again} />
    );
  return (
    <>
      <p class="pad quiet small">
        {numberText(view.shown)}
        {view.entries === null ? '' : ` of ${numberText(view.entries)}`} entries
        {view.isCut ? ', the newest' : ''}.{' '}
        <a href={pageHash('timeline', null, { view: 'sequence', q: `id:${id}` })}>On the timeline</a>
      </p>
      <SequencePicture view={view} at={props.at} select={props.select} />
    </>
  );
}
