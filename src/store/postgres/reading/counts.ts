import type { Ending, JobState } from '../../../../machines/job.context.ts';
import { jobChart } from '../../../model/jobs/machine-version.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Count, JobCounts } from '../../reader.ts';
import type { Change } from '../../store.ts';
import { eachJob, heldIn, jobsOf, type Records, waitingIn, writtenColumns } from './records.ts';

/** More than these are not counted. */
const most = 10_000;
const endings: readonly Ending[] = ['succeeded', 'failed', 'aborted', 'expired'];

/** How many jobs there are, each kind counted where it stands. */
export async function counts(records: Records): Promise<JobCounts> {
  const over = (await records.lanes()).filter(({ isOver }) => isOver).map(({ id }) => id);
  const { schema } = records;
  const [ended = [], aside = [], held = [], waiting = [], filed = []] = await records.all([
    [endedText(schema)],
    [asideText(schema)],
    [heldText(schema)],
    [waitingText(schema), [over]],
    [overText(schema), [over]],
  ]);
  const tally = new Tally();
  tally.add('state pending', waiting[0]?.n, waiting[0]?.is_cut === true);
  for (const { ending, n } of ended) {
    tally.end(endings[Number(ending)] as Ending, n);
    tally.add('state completed', n);
  }
  for (const { state, is_free: isFree, n } of aside) {
    if (!jobChart.states.includes(state as JobState)) tally.add('quarantined', n);
    else {
      tally.add(`state ${state}`, n);
      if (isFree) tally.add('unplaced', n);
    }
  }
  for (const { claim, doc, n } of held) {
    const told =
      doc === null ? (JSON.parse(String(claim)) as Change[]).map(({ to }) => to) : statesIn(String(doc));
    tally.add(`state ${told.findLast((state) => state !== null)}`, n);
    tally.add('held', n);
  }
  for (const { record } of jobsOf(filed)) tally.addOver(record);
  return tally.counts();
}

class Tally {
  readonly #numbers = new Map<string, number>();
  readonly #cut = new Set<string>();

  add(what: string, n: unknown, isCut = false): void {
    this.#numbers.set(what, (this.#numbers.get(what) ?? 0) + Number(n ?? 0));
    if (isCut) this.#cut.add(what);
  }

  end(ending: Ending, n: unknown): void {
    this.add(`ending ${ending}`, n);
    this.add('ended', n);
    if (ending !== 'succeeded') this.add('failed', n);
  }

  /** One that waits to be filed. */
  addOver({ state, ending }: JobRecord): void {
    this.add(`state ${state}`, 1);
    if (state === 'completed') this.end(ending ?? 'failed', 1);
  }

  #count(what: string): Count {
    const n = this.#numbers.get(what) ?? 0;
    if (this.#cut.has(what)) return { n, more: true };
    return what === 'state pending' || n <= most ? { n, more: false } : { n: most, more: true };
  }

  counts(): JobCounts {
    const each = <Name extends string>(kind: string, names: readonly Name[]) =>
      Object.fromEntries(names.map((name) => [name, this.#count(`${kind} ${name}`)])) as Record<Name, Count>;
    return {
      states: each('state', jobChart.states as readonly JobState[]),
      endings: each('ending', endings),
      lists: {
        waiting: this.#count('state pending'),
        held: this.#count('held'),
        failed: this.#count('failed'),
        ended: this.#count('ended'),
        unplaced: this.#count('unplaced'),
        quarantined: this.#count('quarantined'),
      },
    };
  }
}

const cut = `LIMIT ${most + 1}`;

/** The states that the patches of a document set. */
function statesIn(doc: string): readonly (string | null)[] {
  return (JSON.parse(`[${doc}]`) as { readonly state?: string }[]).map(({ state = null }) => state);
}

/** Without statistics the planner would take `ending = 0` for rare. */
function endedText(schema: string): string {
  return `SELECT 0 AS ending, count(*) AS n FROM (SELECT FROM ${schema}.done WHERE ending < 1 ${cut}) AS d
    UNION ALL SELECT ending, count(*) FROM (SELECT ending FROM ${schema}.done WHERE ending <> 0 ${cut}) AS d GROUP BY ending`;
}

function asideText(schema: string): string {
  return `SELECT a.state, j.parent IS NULL AS is_free, count(*) AS n
    FROM (SELECT id, state FROM ${schema}.aside ${cut}) AS a ${eachJob(schema, 'a.id')} GROUP BY 1, 2`;
}

/** Those that were not changed since their claim by that, each of the others by its document. */
function heldText(schema: string): string {
  return `SELECT h.claim, CASE WHEN h.claim IS NULL OR j.seq >= h.seq THEN j.doc END AS doc, count(*) AS n
    FROM (SELECT * FROM ${heldIn(schema)} AS l ${cut}) AS h ${eachJob(schema, 'h.id')} GROUP BY 1, 2`;
}

/** In runs they are exact far beyond what is counted elsewhere. */
function waitingText(schema: string): string {
  return `SELECT r.n + d.n AS n, greatest(r.runs, d.n) > ${most} AS is_cut FROM
    (SELECT coalesce(sum(n), 0) AS n, count(*) AS runs FROM (SELECT cardinality(ids) AS n FROM ${schema}.ready WHERE lane <> ALL ($1) ${cut}) AS o) AS r,
    (SELECT count(*) AS n FROM (SELECT FROM ${schema}.due WHERE lane <> ALL ($1) ${cut}) AS o) AS d`;
}

/** Those that wait to be filed. */
function overText(schema: string): string {
  return `SELECT ${writtenColumns} FROM ${waitingIn(schema, '$1')} AS w ${eachJob(schema, 'w.id')} ${cut}`;
}
