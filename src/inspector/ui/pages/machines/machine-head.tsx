import type { MachineHeat, TrafficRange } from '../../../protocol/machines.ts';
import { now } from '../../connection.ts';
import { instantText, numberText } from '../../format.ts';

/** What chart this is, and over which range its traffic is counted. */
export function MachineHead(props: {
  readonly machine: MachineHeat;
  readonly range: TrafficRange;
  readonly form: string;
  readonly choose: (form: string) => void;
}) {
  const { machine, range, form, choose } = props;
  const { name, version, states, ways, never } = machine;
  const leaves = states.filter(({ holdsOthers, isKnown }) => !holdsOthers && isKnown).length;
  return (
    <div class="head">
      <h1 class="mono">
        {name}
        {version === null ? '' : `@${version}`}
      </h1>
      <span class="facts">
        <span>{leaves} states</span>
        <span>
          {ways} ways
          {never !== null && (
            <>
              , <b>{never === 0 ? 'all taken' : `${never} never taken`}</b>
            </>
          )}
        </span>
        {machine.kind === 'stored' && <Range range={range} />}
        {machine.since !== null && (
          <span title="Live machines leave no entries: they are watched while a page looks at them.">
            watched since <b>{instantText(machine.since, now.peek())}</b>
          </span>
        )}
      </span>
      <span class="actions no-phone">
        <fieldset class="seg" aria-label="Form of the chart">
          {['heat', 'outline'].map((each) => (
            <button key={each} type="button" aria-pressed={form === each} onClick={() => choose(each)}>
              {each}
            </button>
          ))}
        </fieldset>
        <kbd>c</kbd>
      </span>
    </div>
  );
}

function Range({ range: { from, to, entries, fromAt, toAt, isCut } }: { readonly range: TrafficRange }) {
  if (fromAt === null || toAt === null) return <span>the journal has no entry here</span>;
  return (
    <>
      <span class="opt">
        range <b>{instantText(fromAt, now.peek())}</b> – <b>{instantText(toAt, now.peek())}</b>
      </span>
      <span title={`seq ${numberText(from)} to ${numberText(to)}`}>
        {isCut ? 'the newest ' : ''}
        <b>{numberText(entries)}</b> {entries === 1 ? 'entry' : 'entries'}
      </span>
    </>
  );
}
