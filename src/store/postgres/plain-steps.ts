import type { Json } from '../../../machines/json.ts';
import type { Entry, Line } from '../entry.ts';
import type { Change, Commit } from '../store.ts';
import { arrayOfJson } from './journal.ts';
import { freesQuotas, stepColumns } from './plain-functions.ts';
import type { SqlConnection } from './sql-port.ts';
import type { Told } from './told.ts';

/** Steps of one job by its holder, and nothing else: most commits are that, a result above all. */
export interface PlainStep {
  readonly id: string;
  readonly epoch: number;
  readonly claim: number;
  readonly by: string;
  readonly changes: readonly Change[];
  /** Values of the columns that it sets, by column. */
  readonly values: ReadonlyMap<StepColumn, Json>;
  /** Its quota slots are free with it. */
  readonly freesQuotas: boolean;
  /** It must have no callback that has not begun. */
  readonly endsCallbacks: boolean;
}

/** What the steps of a batch have come to. */
export interface SteppedPlainly {
  readonly told: Told;
  /** The transaction, null when it has written nothing. */
  readonly xid: string | null;
  /** Places of those that the database did not find as they believe: the rules say what is wrong with them. */
  readonly refused: readonly number[];
}

/** The keys of a patch that are no more than a column; the order in queues and agents is more. */
const columnsOfKeys: { readonly [key: string]: StepColumn | undefined } = {
  attempts: 'attempts',
  lastFailure: 'last_failure',
  activeStart: 'active_start',
  activeEnd: 'active_end',
  callbacksEnd: 'callbacks_end',
  waitingOn: 'waiting_on',
  retryData: 'retry_data',
  outcome: 'outcome',
  ending: 'ending',
};

type StepColumn = keyof typeof stepColumns;

const columnNames = Object.keys(stepColumns) as readonly StepColumn[];

/** At most two changes: a result, and the end of a job with it. */
const mostChanges = 2;

/** The commit as steps of one job by its holder; null when it is more than that. */
export function plainStepOf(commit: Commit): PlainStep | null {
  const { changes, expect } = commit;
  const [first] = changes;
  const [holder, ...others] = expect;
  if (commit.within !== undefined || first === undefined || changes.length > mostChanges) return null;
  if (holder?.check !== 'holder' || others.length > 1) return null;
  if (others.some(({ check, id }) => check !== 'noUnstartedCallback' || id !== holder.id)) return null;
  const values = new Map<StepColumn, Json>();
  let frees = false;
  for (const [index, { kind, id, from, to, gone, patch }] of changes.entries()) {
    const isNext = index === 0 || from === changes[index - 1]?.to;
    if (kind !== 'job' || id !== holder.id || from === null || to === null || gone === true || !isNext)
      return null;
    for (const [key, value] of Object.entries(patch ?? {})) {
      const column = columnsOfKeys[key];
      if (column !== undefined) values.set(column, value);
      else if (key === 'quotas' && isEmptyList(value)) frees = true;
      else return null;
    }
  }
  const to = changes.at(-1)?.to;
  // One that is completed and not filed may yet get callbacks: where its row belongs is another question.
  if (to === 'completed' && values.get('callbacks_end') == null) return null;
  const { id, epoch, claim } = holder;
  const endsCallbacks = others.length > 0;
  return { id, epoch, claim, by: commit.by, changes, values, freesQuotas: frees, endsCallbacks };
}

function isEmptyList(value: Json): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Where and when steps are made. */
export interface PlainStepsParts {
  readonly schema: string;
  readonly epoch: number;
  readonly machineVersion: string;
  readonly at: number;
}

/**
 * Makes steps by one statement, in a transaction that is open. Each is judged by its row as it is then: the fence, the
 * state that the first change leaves, and callbacks that are left.
 */
export async function stepPlainly(
  connection: SqlConnection,
  parts: PlainStepsParts,
  steps: readonly PlainStep[],
): Promise<SteppedPlainly> {
  const { schema, at, epoch, machineVersion: mv } = parts;
  const rows = await connection.query(statement(schema), valuesOf(parts, steps));
  const lines = new Map<number, Line & { readonly entries: Entry[] }>();
  const queues = new Set<string>();
  const made = new Set<number>();
  for (const row of rows.toSorted((one, other) => Number(one.seq) - Number(other.seq))) {
    const place = Number(row.place) - 1;
    const { by, changes } = steps[place] as PlainStep;
    const s = Number(row.line);
    const entries = entriesOf(changes, Number(row.seq), Number(row.q));
    made.add(place);
    if (row.freed !== null) queues.add(String(row.freed));
    const line = lines.get(s);
    if (line === undefined) lines.set(s, { s, at, by: `${by}#${epoch}`, mv, entries });
    else line.entries.push(...entries);
  }
  const refused = [...steps.keys()].filter((place) => !made.has(place));
  const xid = rows.length === 0 ? null : String(rows[0]?.xid);
  return { told: { lines: [...lines.values()], queues }, xid, refused };
}

function entriesOf(changes: readonly Change[], s: number, q: number): Entry[] {
  return changes.map((change, index) => entryOf(change, index === 0 ? q : s + index - 1));
}

function entryOf({ kind, id, event, from, to, patch }: Change, q: number): Entry {
  return { kind, id, event, from, to, patch, gone: false, q };
}

const parameters = Array.from({ length: 12 + columnNames.length }, (_, index) => `$${index + 1}`).join(', ');

function statement(schema: string): string {
  return `SELECT place, seq, line, q, freed, xid FROM ${schema}.step_jobs(${parameters})`;
}

function valuesOf(
  { at, epoch, machineVersion }: PlainStepsParts,
  steps: readonly PlainStep[],
): readonly unknown[] {
  return [
    steps.map(({ id }) => id),
    steps.map((step) => step.epoch),
    steps.map(({ claim }) => claim),
    steps.map(({ by }) => `${by}#${epoch}`),
    steps.map(({ changes }) => changes[0]?.from),
    steps.map(({ changes }) => changes.at(-1)?.to),
    steps.map(({ endsCallbacks }) => endsCallbacks),
    steps.map(maskOf),
    arrayOfJson(steps.map(({ changes }) => textOf(changes[0]))),
    arrayOfJson(steps.map(({ changes }) => textOf(changes[1]))),
    at,
    machineVersion,
    ...columnNames.map((column) =>
      steps.some(({ values }) => values.has(column))
        ? parameterOf(
            column,
            steps.map(({ values }) => values.get(column) ?? null),
          )
        : null,
    ),
  ];
}

function maskOf({ values, freesQuotas: frees }: PlainStep): number {
  let mask = frees ? freesQuotas : 0;
  for (const [bit, column] of columnNames.entries()) if (values.has(column)) mask += 2 ** bit;
  return mask;
}

/** The text of an entry up to its q, the last key of it, which only the database knows. */
function textOf(change: Change | undefined): string | null {
  return change === undefined ? null : JSON.stringify(entryOf(change, 0)).slice(0, -2);
}

function parameterOf(column: StepColumn, values: readonly Json[]): unknown {
  if (stepColumns[column] !== 'json') return values;
  return arrayOfJson(values.map((value) => (value === null ? null : JSON.stringify(value))));
}
