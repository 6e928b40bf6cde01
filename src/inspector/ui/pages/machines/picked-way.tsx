import type { MachineHeat, PickedEdge } from '../../../protocol/machines.ts';
import { now } from '../../connection.ts';
import { instantText, numberText, shortId } from '../../format.ts';
import { jobHash } from '../../route.ts';
import { neverText, placesOf } from './figures.tsx';

/** A way that was picked, and what took it last. */
export function PickedWay({
  machine,
  picked,
}: {
  readonly machine: MachineHeat;
  readonly picked: PickedEdge | null;
}) {
  return (
    <section aria-label="Way picked">
      <div class="bar rule">
        <h2 class="label">Way picked</h2>
        {picked === null ? (
          <span class="quiet">
            {machine.kind === 'stored'
              ? 'none: pick one to see what took it last'
              : 'live machines leave no entries: their events are on the page of actors'}
          </span>
        ) : (
          <>
            <span class="mono">
              {placesOf(picked)} · {picked.event}
            </span>
            <span class="quiet">
              {picked.guard === null ? '' : `${picked.guard} · `}
              {takenText(picked, machine)}
            </span>
          </>
        )}
        {machine.traffic !== null && <HeatKey never={neverText(machine)} />}
      </div>
      {picked !== null && picked.takers.length > 0 && (
        <Takers picked={picked} isJob={machine.name === 'job'} />
      )}
    </section>
  );
}

function takenText({ count, target }: PickedEdge, machine: MachineHeat): string {
  const { traffic } = machine;
  if (count === null) return 'not recorded';
  if (count === 0) return `${neverText(machine)} taken`;
  const times = count === 1 ? 'taken once' : `taken ${numberText(count)} times`;
  const part =
    traffic === null || traffic === 0 || target === null
      ? ''
      : `, ${((count / traffic) * 100).toFixed(1)} % of the traffic`;
  return times + part;
}

function Takers({ picked, isJob }: { readonly picked: PickedEdge; readonly isJob: boolean }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th class="fit num">at</th>
          <th class="fit">{isJob ? 'job' : 'record'}</th>
          <th class="fit opt">{isJob ? 'id' : ''}</th>
          <th>what mattered</th>
        </tr>
      </thead>
      <tbody>
        {picked.takers.map(({ id, name, at, seq, isJob: hasPage, note }) => (
          <tr key={seq}>
            <td class="fit num quiet" title={`seq ${numberText(seq)}`}>
              {instantText(at, now.peek(), true)}
            </td>
            <td class="fit task">
              {hasPage ? (
                <a class="rowlink" href={jobHash(id)}>
                  {name}
                </a>
              ) : (
                <span class="quiet">{isJob ? 'no longer kept' : id}</span>
              )}
            </td>
            <td class="fit id opt" title={id}>
              {isJob ? shortId(id, 10) : ''}
            </td>
            <td class="err" title={note ?? undefined}>
              {note}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function HeatKey({ never }: { readonly never: string }) {
  return (
    <span class="end no-phone key">
      {[
        ['f5', '1,000'],
        ['f3', '100'],
        ['f1', '1'],
        ['never', never],
      ].map(([level, text]) => (
        <span key={level}>
          <svg viewBox="0 0 26 10" class="heat" aria-hidden="true">
            <g class={`edge ${level}`}>
              <path d="M0 5H26" />
            </g>
          </svg>
          {text}
        </span>
      ))}
    </span>
  );
}
