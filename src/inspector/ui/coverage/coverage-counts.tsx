import type { CoverageCounts, CoverageVerdict } from '../../../reading/coverage/compare/compare-coverage.ts';
import { numberText } from '../format.ts';

/** What each verdict is called. */
export const verdictWords: Readonly<Record<CoverageVerdict, string>> = {
  untested: 'in no test',
  tested: 'in tests',
  untaken: 'never taken',
};

/** How often a way was taken, in words: colour is not all that says it. */
export function Counts({ of: { verdict, production, tests } }: { readonly of: CoverageCounts }) {
  if (verdict === 'untaken') return <span class="counts">never</span>;
  const inProduction = production === 0 ? 'not in production' : `production ${numberText(production)}`;
  return (
    <span class="counts">
      {inProduction} · {tests === 0 ? <b>in no test</b> : `tests ${numberText(tests)}`}
    </span>
  );
}

/** What the colours mean. */
export function CoverageKey() {
  return (
    <span class="key coverage" role="note" aria-label="Colours">
      {(['untested', 'tested', 'untaken'] as const).map((verdict) => (
        <span key={verdict}>
          <svg viewBox="0 0 26 10" class="heat" aria-hidden="true">
            <g class={`edge ${verdict === 'untaken' ? 'never' : `f3 ${verdict}`}`}>
              <path d="M0 5H26" />
            </g>
          </svg>
          {keyWords[verdict]}
        </span>
      ))}
    </span>
  );
}

const keyWords: Readonly<Record<CoverageVerdict, string>> = {
  untested: 'taken in production, in no test',
  tested: 'taken in tests',
  untaken: 'never taken',
};
