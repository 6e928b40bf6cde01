import { useEffect } from 'preact/hooks';
import type { JournalPage, SequenceView } from '../../../protocol/timeline.ts';
import { clockText, numberText } from '../../format.ts';
import { Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { SequencePicture } from '../../parts/sequence-picture.tsx';
import { usePresent } from '../../source/live.ts';

/** The sequence of one job and its neighbours. */
export function SequenceOfJob(props: {
  readonly id: string;
  readonly isFolded: boolean;
  readonly withNeighbours: boolean;
  readonly at: number | null;
  readonly select: (seq: number) => void;
}) {
  const { id, isFolded, withNeighbours } = props;
  const query = `?fold=${isFolded ? 1 : 0}&neighbours=${withNeighbours ? 1 : 0}`;
  const live = usePresent<SequenceView>(`sequence/${encodeURIComponent(id)}${query}`);
  const view = live.answer.value?.data ?? null;
  if (live.problem.value !== null) return <ProblemBox problem={live.problem.value} again={live.again} />;
  if (view === null) return <Skeleton />;
  return (
    <>
      <p class="pad quiet mono small seq-sum">
        {clockText(view.fromAt)} – {clockText(view.toAt)} ·{' '}
        {view.entries === null
          ? `${numberText(view.shown)} entries`
          : `${numberText(view.entries)} entries, ${numberText(view.shown)} shown`}
        {view.isCut ? ' · older ones are not shown' : ''}
        {view.more > 0 ? ` · ${numberText(view.more)} more neighbours` : ''}
      </p>
      <SequencePicture view={view} at={props.at} select={props.select} />
    </>
  );
}

/** No job is named: takes the one that was written last. */
export function ChooseJob({ choose }: { readonly choose: (id: string) => void }) {
  const live = usePresent<JournalPage>('journal?limit=1&kind=job');
  const page = live.answer.value?.data ?? null;
  const id = page?.lines[0]?.id;
  useEffect(() => {
    if (id !== undefined) choose(id);
  }, [id]);
  if (page === null || id !== undefined) return <Skeleton />;
  return (
    <Empty title={page.isCut ? 'No job is among the newest entries.' : 'There is no job yet.'}>
      A sequence is of one job: name it with <code class="codeline">id:…</code>
    </Empty>
  );
}
