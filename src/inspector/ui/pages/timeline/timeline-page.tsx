import './timeline.css';
import { useEffect } from 'preact/hooks';
import { go } from '../../app-state.ts';
import { addressHash, setTitle } from '../../browser.ts';
import { FilterField } from '../../parts/filter-field.tsx';
import { Banner } from '../../parts/messages.tsx';
import { momentHash, pageHash } from '../../route.ts';
import type { LatePage } from '../../shell/pages.tsx';
import { EntryPane } from './entry-pane.tsx';
import { LanesLegend, LanesPicture, lengths } from './lanes.tsx';
import { LogView } from './log.tsx';
import { ChooseJob, SequenceOfJob } from './sequence.tsx';
import { type TimelineView, timelineOf, timelineQuery, unknownWords, viewNames } from './timeline-route.ts';

/** What happened, in which order, between whom. */
export const TimelinePage: LatePage = ({ route }) => {
  const timeline = timelineOf(route.query);
  const { view, words } = timeline;
  const change = (to: Partial<typeof timeline>): void =>
    go(pageHash('timeline', null, timelineQuery({ ...timeline, ...to })), true);
  const select = (seq: number): void => go(momentHash(addressHash(), route.at === seq ? 'now' : seq), true);
  useEffect(() => setTitle(`Timeline, ${view} · Signalbox`), [view]);
  const unknown = unknownWords(words);
  const shared = { at: route.at, select };
  return (
    <main>
      <h1 class="unseen">Timeline</h1>
      <Bar view={view} words={words} timeline={timeline} change={change} />
      {unknown.length > 0 && (
        <Banner>
          The filter does not know <b class="mono">{unknown.join(' ')}</b>. Words are kind: event: id: by: to:
          ending: task: queue:, and plain ones.
        </Banner>
      )}
      <div class="cols timeline">
        <section class="area" aria-label="Entries">
          {view === 'log' && (
            <LogView key={timeline.text} text={timeline.text} isFiltered={words !== ''} {...shared} />
          )}
          {view === 'sequence' &&
            (timeline.job === null ? (
              <ChooseJob choose={(id) => change({ words: `${words} id:${id}`.trim() })} />
            ) : (
              <SequenceOfJob
                id={timeline.job}
                isFolded={timeline.isFolded}
                withNeighbours={timeline.withNeighbours}
                {...shared}
              />
            ))}
          {view === 'lanes' && (
            <LanesPicture
              text={words}
              length={timeline.length}
              from={timeline.from}
              to={timeline.to}
              change={change}
              {...shared}
            />
          )}
        </section>
        <section class="area" aria-label="Entry">
          {route.at === null ? (
            <>
              <div class="bar">
                <h2 class="label">Entry</h2>
              </div>
              <p class="pad quiet">Choose an entry to see what it changed, and what came with it.</p>
            </>
          ) : (
            <EntryPane key={route.at} seq={route.at} select={select} />
          )}
          {view !== 'log' && <LanesLegend />}
        </section>
      </div>
    </main>
  );
};

function Bar(props: {
  readonly view: TimelineView;
  readonly words: string;
  readonly timeline: ReturnType<typeof timelineOf>;
  readonly change: (to: Partial<ReturnType<typeof timelineOf>>) => void;
}) {
  const { view, words, timeline, change } = props;
  return (
    <div class="filter timeline-filter">
      <fieldset class="seg" aria-label="View">
        {viewNames.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={view === name}
            onClick={() => change({ view: name })}
          >
            {name}
          </button>
        ))}
      </fieldset>
      <FilterField
        words={words}
        example={
          view === 'sequence' ? 'id:…' : 'event:job.put  task:mail.*  id:…  by:client  queue:mail  -word'
        }
        change={(next) => change({ words: next })}
      />
      {view === 'log' && (
        <Check label="signs of life" isOn={timeline.withPings} set={(withPings) => change({ withPings })} />
      )}
      {view === 'sequence' && (
        <>
          <Check label="fold idle" isOn={timeline.isFolded} set={(isFolded) => change({ isFolded })} />
          <Check
            label="its neighbours"
            isOn={timeline.withNeighbours}
            set={(withNeighbours) => change({ withNeighbours })}
          />
        </>
      )}
      {view === 'lanes' && (
        <label class="quiet nowrap pick">
          <span class="no-phone">entries</span>
          <select
            class="btn small"
            aria-label="Entries"
            value={String(timeline.length)}
            onChange={({ currentTarget }) => change({ length: Number(currentTarget.value) })}
          >
            {lengths.map((length) => (
              <option key={length} value={String(length)}>
                {length.toLocaleString('en-US')}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

function Check(props: {
  readonly label: string;
  readonly isOn: boolean;
  readonly set: (isOn: boolean) => void;
}) {
  return (
    <label class="check nowrap">
      <input
        type="checkbox"
        checked={props.isOn}
        onChange={({ currentTarget }) => props.set(currentTarget.checked)}
      />
      {props.label}
    </label>
  );
}
