import { invalidOption, SignalboxError } from '../../../errors.ts';
import { ruleOfMachine, rulesOf } from '../../../model/values/redaction-rules.ts';
import { copyAsTest } from '../../../reading/as-test/copy-as-test.ts';
import type { Import } from '../../../reading/as-test/imports.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { AsTestView } from '../../protocol/job.ts';

/** The options of {@link asTestView}. */
export interface AsTestOptions {
  /** Keeps what definitions hide. Default false. */
  readonly values?: boolean;
  /** Where a machine, or the definition of a job, is exported. */
  readonly importOf?: (kind: 'job' | 'actor', name: string) => Import | null;
}

/** A longer history is no test that anyone reads. */
const mostEntries = 10_000;

/** The history of a job, or of an actor, as a test file. Undefined: there is none of this id. */
export async function asTestView(
  reader: Pick<StoreReader, 'get' | 'history'>,
  kind: 'job' | 'actor',
  id: string,
  { values = false, importOf = () => null }: AsTestOptions = {},
): Promise<AsTestView | undefined> {
  const record = await reader.get(kind, id);
  if (record === undefined) return undefined;
  const entries: HistoryEntry[] = [];
  for await (const entry of reader.history(kind, id)) {
    entries.push(entry);
    if (entries.length > mostEntries)
      throw invalidOption('id', `a history of at most ${mostEntries} entries`, `${id}, which has more`);
  }
  // All of its entries were dropped.
  if (entries.length === 0) throw new SignalboxError('HISTORY_CUT', { seq: record.lastSeq });
  const name = 'machine' in record ? record.machine : record.name;
  const redactions = (await reader.get('store', 'store'))?.redactions ?? {};
  const redact = rulesOf(redactions, kind === 'actor' ? ruleOfMachine(name) : name);
  const from = importOf(kind, name);
  const text = copyAsTest(entries, {
    values,
    ...(redact !== null && { redact }),
    ...(from !== null && { from }),
  });
  return { file: fileFor(kind === 'actor' ? id : `${name}-${id}`), lines: text.split('\n') };
}

function fileFor(id: string): string {
  return `${id.replaceAll(/[^\w.-]+/g, '-').slice(0, 80)}.test.ts`;
}
