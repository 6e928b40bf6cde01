import { useState } from 'preact/hooks';
import type { JobView } from '../../../protocol/job.ts';
import type { Way } from '../../chart/way.ts';
import { useKeys } from '../../keys.ts';
import { Change } from '../../parts/change.tsx';
import { type DiffRange, linesOf, mergedChanges } from './changes.ts';

const ranges: readonly DiffRange[] = ['entry', 'attempt', 'all'];

/** What the selected entry changed in the record; or its attempt, or all entries up to it. */
export function ContextDiff({ view, way }: { readonly view: JobView; readonly way: Way }) {
  const [range, setRange] = useState<DiffRange>('entry');
  useKeys({ d: () => setRange(ranges[(ranges.indexOf(range) + 1) % ranges.length] ?? 'entry') });
  const { lines } = view.history;
  const covered = linesOf(lines, way.line, range);
  const changes = mergedChanges(covered);
  const last = lines.indexOf(covered.at(-1) ?? lines[0]!) + 1;
  const offset = view.history.count - lines.length;
  return (
    <>
      <div class="bar rule">
        <h2 class="label">Context</h2>
        <span class="mono quiet">
          {offset + last - covered.length} → {offset + last}
        </span>
        <span class="end">
          <fieldset class="seg" aria-label="Which changes">
            {ranges.map((name) => (
              <button key={name} type="button" aria-pressed={range === name} onClick={() => setRange(name)}>
                {name}
              </button>
            ))}
          </fieldset>
          <kbd>d</kbd>
        </span>
      </div>
      <div class="diff">
        {changes.length === 0 && <p class="pad faint">No data changed.</p>}
        {changes.map((change) => (
          <Change key={change.key} change={change} />
        ))}
      </div>
    </>
  );
}
