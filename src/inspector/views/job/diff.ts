import type { Json } from '../../../../machines/json.ts';
import { newJobRecord } from '../../../model/jobs/step.ts';
import type { ChangeView } from '../../protocol/job.ts';
import type { Tree } from '../../protocol/tree.ts';
import { lineLimits, treeOf } from '../values/tree.ts';

/** Values of the top-level keys of a record. */
type Values = Readonly<Record<string, Json>>;

const empty = newJobRecord('', { name: '' }) as unknown as Values;

/** What a patch changes in the values before it. Both are redacted. Pure. */
export function changesOf(before: Values, patch: Values, why: string): readonly ChangeView[] {
  return Object.entries(patch).flatMap(([key, after]) => {
    const old = before[key] ?? null;
    if (JSON.stringify(old) === JSON.stringify(after)) return [];
    return [{ key, before: shown(old, why), after: shown(after, why) }];
  });
}

/** The values after a patch. */
export function patched(before: Values, patch: Values | null): Values {
  return patch === null ? before : { ...before, ...patch };
}

/** The values of a job before its first entry that it has without being told. */
export function emptyJob(): Values {
  const { attempts = 0, claim = 0, epoch = 0 } = empty;
  return { attempts, claim, epoch };
}

function shown(value: Json, why: string): Tree | null {
  return value === null ? null : treeOf(value, lineLimits, why);
}
