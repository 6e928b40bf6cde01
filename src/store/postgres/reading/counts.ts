import { type Ending, endings, type JobState } from '../../../../machines/job.context.ts';
import { jobChart } from '../../../model/jobs/machine-version.ts';
import { isFailed } from '../../../model/jobs/step.ts';
import type { Count, JobCounts, JobList } from '../../reader.ts';
import type { Rows } from '../sql-port.ts';
import {
  eachJob,
  heldIn,
  jobsOf,
  lastState,
  type Records,
  recordsOf,
  waitingIn,
  writtenColumns,
} from './records.ts';

/** More than these are not counted. */
const most = 10_000;
const cut = `LIMIT ${most + 1}`;
const states = jobChart.states as readonly JobState[];
const lists: readonly JobList[] = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'];

/** How many jobs there are, each kind counted where it stands. */
export async function counts(records: Records): Promise<JobCounts> {
  const { schema } = records;
  const over = (await records.lanes()).filter(({ isOver }) => isOver).map(({ id }) => id);
  const tally = new Tally();
  for (const row of await records.query(countsText(schema), [over])) tally.addRow(row);
  const filed = `SELECT ${writtenColumns} FROM ${waitingIn(schema, '$1')} AS w ${eachJob(schema, 'w.id')} ${cut}`;
  for (const { state, ending } of recordsOf(jobsOf(await records.query(filed, [over]))))
    if (state === 'completed') tally.addEnded(ending ?? 'failed', 1);
    else tally.add(1, `state ${state}`);
  return {
    states: tally.counts('state', states),
    endings: tally.counts('ending', endings),
    lists: tally.counts('list', lists),
  };
}

class Tally {
  readonly #numbers = new Map<string, number>();
  #isWaitingCut = false;

  add(n: unknown, ...kinds: readonly string[]): void {
    for (const kind of kinds) this.#numbers.set(kind, (this.#numbers.get(kind) ?? 0) + Number(n));
  }

  addEnded(ending: Ending, n: unknown): void {
    this.add(n, 'state completed', 'list ended', `ending ${ending}`);
    if (isFailed(ending)) this.add(n, 'list failed');
  }

  addRow({ place, name, n, is_cut: isCut, is_free: isFree }: Rows[number]): void {
    if (place === 'done') this.addEnded(endings[Number(name)] as Ending, n);
    else if (place === 'aside' && !states.includes(name as JobState)) this.add(n, 'list quarantined');
    else this.add(n, `state ${name}`);
    if (place === 'lease') this.add(n, 'list held');
    if (place === 'ready') this.#isWaitingCut = isCut === true;
    if (isFree === true && states.includes(name as JobState)) this.add(n, 'list unplaced');
  }

  counts<Name extends string>(kind: string, names: readonly Name[]): Record<Name, Count> {
    const each = names.map((name) => {
      const isWaiting = name === 'pending' || name === 'waiting';
      const n = this.#numbers.get(isWaiting ? 'state pending' : `${kind} ${name}`) ?? 0;
      if (isWaiting) return [name, { n, more: this.#isWaitingCut }];
      return [name, { n: Math.min(n, most), more: n > most }];
    });
    return Object.fromEntries(each);
  }
}

/**
 * Those that wait are counted by runs, exactly far beyond what is counted elsewhere. Without statistics the planner would take
 * `ending = 0` for rare.
 */
function countsText(schema: string): string {
  return `SELECT 'ready' AS place, 'pending' AS name, r.n + d.n AS n, greatest(r.runs, d.n) > ${most} AS is_cut, NULL::boolean AS is_free FROM
      (SELECT coalesce(sum(n), 0) AS n, count(*) AS runs FROM (SELECT cardinality(ids) AS n FROM ${schema}.ready WHERE lane <> ALL ($1) ${cut}) AS o) AS r,
      (SELECT count(*) AS n FROM (SELECT FROM ${schema}.due WHERE lane <> ALL ($1) ${cut}) AS o) AS d
    UNION ALL SELECT 'done', '0', count(*), NULL, NULL FROM (SELECT FROM ${schema}.done WHERE ending < 1 ${cut}) AS d
    UNION ALL SELECT 'done', ending::text, count(*), NULL, NULL FROM (SELECT ending FROM ${schema}.done WHERE ending <> 0 ${cut}) AS d GROUP BY ending
    UNION ALL SELECT 'aside', a.state, count(*), NULL, j.parent IS NULL
      FROM (SELECT id, state FROM ${schema}.aside ${cut}) AS a ${eachJob(schema, 'a.id')} GROUP BY a.state, j.parent IS NULL
    UNION ALL SELECT 'lease', ${lastState('patches')}, sum(n), NULL, NULL FROM (
      SELECT coalesce(CASE WHEN j.seq < h.seq THEN coalesce(h.claim, '[' || h.own || ']') END, '[' || j.doc || ']') AS patches, count(*) AS n
      FROM (SELECT * FROM ${heldIn(schema)} AS l ${cut}) AS h ${eachJob(schema, 'h.id')} GROUP BY 1
    ) AS h GROUP BY 2`;
}
