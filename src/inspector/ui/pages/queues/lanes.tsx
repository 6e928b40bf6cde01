import type { LaneAnswer, LaneRow, LanesView } from '../../../protocol/queues.ts';
import { numberText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';

/** Jobs that ask for the same things: how many, who takes them, and what holds them up. */
export function Lanes({ lanes }: { readonly lanes: LanesView }) {
  const { columns, rows, more, isCut } = lanes;
  if (rows.length === 0) return null;
  const longest = Math.max(...rows.map(({ waiting }) => waiting));
  return (
    <>
      <div class="bar rule">
        <h2 class="label">Lanes</h2>
        <span class="quiet">
          {isCut
            ? 'of the first jobs only: this store does not count lanes'
            : 'jobs that ask for the same things wait in one lane'}
        </span>
      </div>
      <table class="table lanes">
        <thead>
          <tr>
            <th>lane</th>
            <th class="fit num">waiting</th>
            <th class="c-lane opt">size</th>
            {columns.map(({ label, count, takes }) => (
              <th key={`${label} ${takes}`} class="fit col" title={takes}>
                {label}
                {count > 1 ? ` ×${count}` : ''}
              </th>
            ))}
            <th class="fit">quota</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={`${row.name} ${row.quotaNames.join(' ')}`} row={row} longest={longest} lanes={lanes} />
          ))}
          {more.lanes > 0 && (
            <tr class="newline">
              <td colspan={4 + columns.length} class="quiet">
                ⋮ {numberText(more.lanes)} shorter lanes, {numberText(more.jobs)} jobs
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </>
  );
}

function Row(props: { readonly row: LaneRow; readonly longest: number; readonly lanes: LanesView }) {
  const { row, longest, lanes } = props;
  // A quota that does not exist holds nothing up, but it tells lanes of one definition apart.
  const known = row.quotas.map(({ name }) => name);
  const others = row.quotaNames.filter((name) => !known.includes(name));
  return (
    <tr>
      <td class="task">
        {row.name}
        {others.length > 0 && <span class="plus"> with {others.join(', ')}</span>}
      </td>
      <td class="fit num">
        {numberText(row.waiting)}
        {lanes.isCut ? '+' : ''}
      </td>
      <td class="opt">
        <svg class="split" aria-hidden="true">
          <path class="axis" d="M0 11.5H400" />
          <rect class="s-wait" y="2" width={`${Math.max(0.5, (row.waiting / longest) * 95)}%`} height="8" />
        </svg>
      </td>
      {row.agents.map((answer, index) => (
        <td key={index} class="fit">
          <Answer answer={answer} />
        </td>
      ))}
      <td class="fit">
        {row.quotas.length === 0 && '–'}
        {row.quotas.map(({ name, taken, size }) => (
          <span key={name} class={`part${taken >= size ? ' fails' : ''}`}>
            {name} {numberText(taken)}/{numberText(size)}
          </span>
        ))}
      </td>
    </tr>
  );
}

const answers: Readonly<Record<LaneAnswer, readonly [glyph: string | null, look: string, word: string]>> = {
  takes: ['succeeded', 'st st-succeeded', 'takes'],
  some: ['succeeded', 'st st-succeeded', 'some'],
  full: ['paused', 'st st-paused', 'full'],
  refuses: [null, 'faint', 'refuses'],
  unknown: ['unknown', 'st past', 'asks each'],
  gone: [null, 'past', 'not at work'],
};

function Answer({ answer }: { readonly answer: LaneAnswer }) {
  const [glyph, look, word] = answers[answer];
  return (
    <span class={look}>
      {glyph !== null && <Glyph name={glyph} />}
      {word}
    </span>
  );
}
