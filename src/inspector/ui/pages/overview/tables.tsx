import type { ComponentChildren } from 'preact';
import type { Count } from '../../../protocol/answer.ts';
import type { DispatcherRow, FailureGroup, HeldRow, QueueRow } from '../../../protocol/overview.ts';
import { now } from '../../connection.ts';
import { clockText, durationText, numberText, shortId } from '../../format.ts';
import { Glyph, State } from '../../parts/glyph.tsx';
import { jobHash, pageHash } from '../../route.ts';

const lateMs = 600_000;
/** Of the agents of a queue or a dispatcher. */
const mostNamed = 3;

function Section(props: {
  readonly title: string;
  readonly note: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section aria-label={props.title}>
      <div class="bar">
        <h2 class="label">{props.title}</h2>
        <span class="mono quiet">{props.note}</span>
      </div>
      {props.children}
    </section>
  );
}

function None({ text }: { readonly text: string }) {
  return <p class="pad faint">{text}</p>;
}

/** The queues: what waits, what is held, who works there. */
export function QueueTable({ queues }: { readonly queues: readonly QueueRow[] }) {
  return (
    <Section title="Queues" note={String(queues.length)}>
      {queues.length === 0 && <None text="There is no queue. box.start() makes one." />}
      {queues.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th>queue</th>
              <th class="fit num">waiting</th>
              <th class="fit num">held</th>
              <th class="fit num">oldest</th>
              <th class="fit opt">quotas</th>
              <th class="fit opt">agents</th>
            </tr>
          </thead>
          <tbody>
            {queues.map((queue) => (
              <tr key={queue.name}>
                <td class="task">
                  <a href={pageHash('queues', queue.name)}>{queue.name === '' ? "''" : queue.name}</a>
                </td>
                <td class="fit num">
                  {numberText(queue.waiting.n)}
                  {queue.waiting.more ? '+' : ''}
                </td>
                <td class="fit num">{numberText(queue.held)}</td>
                <td class={`fit num${(queue.oldestMs ?? 0) > lateMs ? ' past' : ''}`}>
                  {queue.oldestMs === null ? '–' : durationText(queue.oldestMs)}
                </td>
                <td class="fit opt">
                  {queue.quotas.length === 0 && <span class="faint">–</span>}
                  {queue.quotas.map(({ name, taken, size }) => (
                    <span key={name} class={`part${taken >= size ? ' fails' : ''}`}>
                      {name} {taken}/{size}
                      {taken >= size ? ' full' : ''}
                    </span>
                  ))}
                </td>
                <td class="fit opt">
                  {queue.agents.length === 0 && <span class="past">none</span>}
                  {queue.agents
                    .slice(0, mostNamed)
                    .map(({ name, dispatcher, held, size, state, failure }) => (
                      <span
                        key={`${dispatcher}/${name}`}
                        class={`part${failure !== null ? ' fails' : state === 'at work' ? '' : ' past'}`}
                        title={failure ?? `of dispatcher ${dispatcher}`}
                      >
                        {name} {held}/{size}
                        {failure !== null ? ' fails' : state === 'at work' ? '' : ` ${state}`}
                      </span>
                    ))}
                  <More of={queue.agents} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

/** How many are not named. */
function More({ of }: { readonly of: readonly unknown[] }) {
  if (of.length <= mostNamed) return null;
  return <span class="quiet">{numberText(of.length - mostNamed)} more</span>;
}

const dispatcherLooks: Readonly<Record<DispatcherRow['state'], readonly [glyph: string, isBad: boolean]>> = {
  'at work': ['running', false],
  dead: ['failed', true],
  deactivated: ['new', false],
  registered: ['pending', false],
};

/** The dispatchers, by their records. */
export function DispatcherTable({ dispatchers }: { readonly dispatchers: readonly DispatcherRow[] }) {
  const live = dispatchers.filter(({ state }) => state === 'at work').length;
  return (
    <Section title="Dispatchers" note={`${live} at work, ${dispatchers.length - live} not`}>
      {dispatchers.length === 0 && <None text="No dispatcher has ever worked here. Call box.start()." />}
      {dispatchers.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th>dispatcher</th>
              <th class="fit">state</th>
              <th class="fit num">last sign</th>
              <th class="fit num">held</th>
              <th class="fit opt">agents</th>
            </tr>
          </thead>
          <tbody>
            {dispatchers.map(({ uuid, state, lastSignAt, lateMs: isLateBy, held, agents }) => {
              const isStuck = isLateBy !== null;
              const [glyph, isBad] = isStuck ? (['failed', true] as const) : dispatcherLooks[state];
              return (
                <tr key={uuid}>
                  <td class="task" title={uuid}>
                    <a href={pageHash('actors', `dispatcher:${uuid}`)}>{shortId(uuid, 13)}</a>
                  </td>
                  <td class="fit">
                    <span class={`st st-${glyph}`}>
                      <Glyph name={glyph} />
                      {isStuck ? 'STUCK' : state}
                    </span>
                  </td>
                  <td class={`fit num${isBad ? ' fails' : ''}`}>
                    {lastSignAt === null ? '–' : `${durationText(now.value - lastSignAt)} ago`}
                  </td>
                  <td class="fit num">{numberText(held)}</td>
                  <td class="fit opt">
                    {agents.length === 0 ? (
                      <span class="faint">–</span>
                    ) : (
                      <>
                        {agents
                          .slice(0, mostNamed)
                          .map((name) => (name.startsWith('/') ? `''${name}` : name))
                          .join(', ')}{' '}
                        <More of={agents} />
                      </>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </Section>
  );
}

/** The jobs that are held longest. */
export function HeldTable({ rows, count }: { readonly rows: readonly HeldRow[]; readonly count: Count }) {
  return (
    <Section title="Held longest" note={`${rows.length} of ${numberText(count.n)}${count.more ? '+' : ''}`}>
      {rows.length === 0 && <None text="No job is held." />}
      {rows.length > 0 && (
        <table class="table">
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td class="fit">
                  <State state={row.state} ending={row.ending} />
                </td>
                <td>
                  <a class="rowlink" href={jobHash(row.id)}>
                    <b>{row.name}</b> <span class="faint">{shortId(row.id, 10)}</span>
                  </a>
                </td>
                <td class="fit num">{durationText(row.heldMs)}</td>
                <td class={`fit num ${(row.timesMedian ?? 0) >= 10 ? 'fails' : 'quiet'}`}>
                  {row.timesMedian === null ? '' : `${timesText(row.timesMedian)}× median`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function timesText(times: number): string {
  return times < 10 ? times.toFixed(1) : numberText(Math.round(times));
}

/** The failures of the last minutes, by cause and place. */
export function FailingTable({ groups }: { readonly groups: readonly FailureGroup[] }) {
  return (
    <Section title="Failing now" note={groups.length === 0 ? '' : 'by cause and place'}>
      {groups.length === 0 && <None text="Nothing failed lately." />}
      {groups.length > 0 && (
        <table class="table">
          <tbody>
            {groups.map((group) => (
              <tr key={`${group.name}${group.message}${group.place}`}>
                <td class={`fit num${group.count >= 10 ? ' fails strong' : ''}`}>
                  {numberText(group.count)}
                </td>
                <td title={`${group.name}: ${group.message}`}>
                  <a class="rowlink" href={jobHash(group.latest)}>
                    {group.code ?? group.name} {group.message}
                  </a>
                </td>
                <td class="fit quiet">{group.place ?? ''}</td>
                <td class="fit num quiet">{clockText(group.lastAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
