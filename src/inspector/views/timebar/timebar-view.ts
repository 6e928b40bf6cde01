import type { StoreReader } from '../../../store/reader.ts';
import type { Moment, TimebarView } from '../../protocol/timeline.ts';
import { endOf } from '../jobs/job-row.ts';
import type { Sight } from '../sight.ts';
import { Samples, seqsAt } from './samples.ts';

const mostSteps = 200;
/** How many of the newest failures are marked. */
const mostFailed = 5000;

/** What was read of each journal. */
const sampled = new WeakMap<StoreReader, { readonly samples: Samples; busy: Promise<unknown> }>();

/** How much happened when, over the history that is kept. `instant`: asks for the entry of one. */
export async function timebarView(
  { reader, noPast, pause }: Pick<Sight, 'reader' | 'noPast' | 'pause'>,
  instant: number | null = null,
): Promise<TimebarView> {
  if (noPast !== null) return { ...nothing, missing: noPast };
  const known = sampled.get(reader) ?? { samples: new Samples(), busy: Promise.resolve() };
  sampled.set(reader, known);
  const { samples } = known;
  const read = async (seq: number): Promise<number | null> => (await entryAt(reader, seq))?.at ?? null;
  // One reading at a time: what two would read is the same.
  const view = known.busy.then(async () => {
    const to = await reader.position();
    const from = await entryAt(reader, reader.oldestSeq());
    if (to.seq === 0 || from === null) return nothing;
    samples.extend(from, to.seq < from.seq ? from : to);
    const stepMs = Math.max(1, Math.ceil((to.at - from.at) / mostSteps));
    await samples.refine(stepMs, read, pause);
    const seqAt = instant === null ? null : await samples.seqAt(instant, read);
    return { ...stepsOf(samples, from, to, stepMs), failed: await failures(reader, from, to, stepMs), seqAt };
  });
  known.busy = view.catch(() => {});
  return view;
}

const nothing: TimebarView = {
  from: null,
  to: null,
  stepMs: 1,
  seqs: [],
  failed: [],
  seqAt: null,
  missing: null,
};

/** The first entry from a seq on that is kept. */
async function entryAt(reader: StoreReader, seq: number): Promise<Moment | null> {
  for await (const entry of reader.entries(seq)) return { seq: entry.seq, at: entry.at };
  return null;
}

function countOfSteps(from: Moment, to: Moment, stepMs: number): number {
  return Math.min(mostSteps, Math.max(1, Math.ceil((to.at - from.at) / stepMs)));
}

function stepsOf(
  samples: Samples,
  from: Moment,
  to: Moment,
  stepMs: number,
): Omit<TimebarView, 'failed' | 'seqAt'> {
  const count = countOfSteps(from, to, stepMs);
  const begins = Array.from({ length: count }, (_, index) => from.at + index * stepMs);
  // The first step holds the first entry as well.
  const seqs = [from.seq - 1, ...seqsAt(samples.known, begins.slice(1)), to.seq];
  return { from, to, stepMs, seqs, missing: null };
}

/** How many jobs failed in each step: of the newest ones that are kept. */
async function failures(
  reader: StoreReader,
  from: Moment,
  to: Moment,
  stepMs: number,
): Promise<readonly number[]> {
  const counts = new Array<number>(countOfSteps(from, to, stepMs)).fill(0);
  await reader.jobsPage({
    list: 'failed',
    limit: 1,
    look: mostFailed,
    matches: (job) => {
      const at = endOf(job) ?? from.at;
      if (at < from.at) return true;
      const step = Math.min(counts.length - 1, Math.floor((at - from.at) / stepMs));
      counts[step] = (counts[step] ?? 0) + 1;
      return false;
    },
  });
  return counts;
}
