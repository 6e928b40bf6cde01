import type { MachineNow } from '../../../protocol/actors.ts';
import { clockText, durationText } from '../../format.ts';

/** The last events of a live machine. */
export function EventsTable({ machine, at }: { readonly machine: MachineNow; readonly at: number }) {
  const { events, since } = machine;
  return (
    <section aria-label="Last events">
      <div class="bar">
        <h2 class="label">Last events</h2>
        <span class="quiet">from {clockText(since)} on, newest first</span>
      </div>
      {events.length === 0 && <p class="pad faint">It got no event yet. Earlier ones are not recorded.</p>}
      {events.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th class="fit num">before</th>
              <th>event</th>
              <th class="fit">to</th>
            </tr>
          </thead>
          <tbody>
            {events.map((line) => (
              <tr key={line.n}>
                <td class="fit num quiet">{durationText(at - line.at, true)}</td>
                <td title={line.note}>
                  {line.isIgnored ? line.event : <b>{line.event}</b>} <span class="faint">{line.note}</span>
                </td>
                <td class="fit">
                  {line.isIgnored ? (
                    <span class="faint">ignored</span>
                  ) : line.from === line.to ? (
                    <span class="quiet">{line.to}</span>
                  ) : (
                    line.to
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
