import type { ComponentChildren } from 'preact';
import type { AttemptView, JobView, OutcomeView } from '../../../protocol/job.ts';
import { now } from '../../connection.ts';
import { instantText, numberText } from '../../format.ts';
import { type Tab, Tabs } from '../../parts/tabs.tsx';
import { FailureBox, Inline, Value } from '../../parts/value.tsx';
import { isBad } from '../../state.ts';
import { Sequence } from '../timeline/job-sequence.tsx';
import { Callbacks } from './callbacks.tsx';

/** The data of a job, one kind at a time. */
export function DataTabs(props: {
  readonly view: JobView;
  /** Whether the data is of now, and the page is not. */
  readonly isOfNow: boolean;
  /** The entry of the moment; null: now. */
  readonly at: number | null;
  readonly select: (seq: number) => void;
  readonly tab: string | null;
  readonly choose: (name: string) => void;
}) {
  const { view, choose } = props;
  const tabs = tabsOf(view);
  const chosen =
    tabs.find(({ name }) => name === props.tab)?.name ?? (view.outcome === null ? 'arguments' : 'outcome');
  return (
    <Tabs label="Data of the job" tabs={tabs} chosen={chosen} choose={choose}>
      {props.isOfNow && chosen !== 'failures' && chosen !== 'sequence' && (
        <p class="pad past small">
          As it is now. What was different then is in the context, from entry to entry.
        </p>
      )}
      {chosen === 'sequence' ? (
        <Sequence id={view.id} at={props.at} select={props.select} />
      ) : (
        panelOf(view, chosen)
      )}
    </Tabs>
  );
}

function tabsOf(view: JobView): readonly Tab[] {
  const { args, callbacks, annotations, outcome, ending } = view;
  const count = callbacks.nodes.length + callbacks.more;
  const failed = view.tries.filter(isFailure).length;
  return [
    { name: 'arguments', label: 'Arguments', note: String(args.length) },
    {
      name: 'outcome',
      label: 'Outcome',
      note: outcome === null ? '–' : isBad(ending) ? '✕' : null,
      isBad: isBad(ending),
    },
    { name: 'callbacks', label: 'Callbacks', note: numberText(count) },
    { name: 'annotations', label: 'Annotations', note: numberText(annotations.length) },
    { name: 'failures', label: 'Failures', note: String(failed) },
    { name: 'sequence', label: 'Sequence', note: null },
    { name: 'raw', label: 'Raw', note: null },
  ];
}

/** An attempt that was cancelled has an error, and has not failed. */
function isFailure({ ending, failure }: AttemptView): boolean {
  return failure !== null && ending !== 'cancelled';
}

function panelOf(view: JobView, name: string): ComponentChildren {
  switch (name) {
    case 'outcome':
      return <Outcome outcome={view.outcome} />;
    case 'callbacks':
      return <Callbacks callbacks={view.callbacks} />;
    case 'annotations':
      return <Annotations view={view} />;
    case 'failures':
      return <Failures view={view} />;
    case 'raw':
      return (
        <div class="pad mono small">
          <Value tree={view.raw} />
        </div>
      );
    default:
      return <Arguments view={view} />;
  }
}

function Arguments({ view }: { readonly view: JobView }) {
  if (view.args.length === 0) return <p class="pad quiet">It has no arguments.</p>;
  return (
    <dl class="kv pad">
      {view.args.map((tree, index) => (
        <div key={index}>
          <dt>{index}</dt>
          <dd>
            <Value tree={tree} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Outcome({ outcome }: { readonly outcome: OutcomeView | null }) {
  if (outcome === null) return <p class="pad quiet">It has none yet.</p>;
  if (outcome.ok)
    return (
      <div class="pad mono small">
        <Value tree={outcome.value} />
      </div>
    );
  const { failure } = outcome;
  const extra = failure.extra.is === 'object' ? failure.extra.entries : [];
  return (
    <div class="cols">
      <section class="area pad" aria-label="Failure">
        <FailureBox failure={failure} />
      </section>
      <section class="area pad" aria-label="Its properties">
        <dl class="kv">
          {failure.code !== null && (
            <div>
              <dt>code</dt>
              <dd>{failure.code}</dd>
            </div>
          )}
          {extra.map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>
                <Inline tree={value} />
              </dd>
            </div>
          ))}
          {failure.code === null && extra.length === 0 && (
            <p class="faint">The error has no code and no properties.</p>
          )}
        </dl>
      </section>
    </div>
  );
}

function Annotations({ view }: { readonly view: JobView }) {
  if (view.annotations.length === 0)
    return (
      <p class="pad quiet">
        It has none. Its code writes them:{' '}
        <code class="codeline">await local.setLiveAnnotation('page', 4)</code>
      </p>
    );
  return (
    <dl class="kv pad dated">
      {view.annotations.map(({ name, value, at }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Value tree={value} />
            <span class="faint when">{at === null ? '' : instantText(at, now.value, true)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Failures({ view }: { readonly view: JobView }) {
  const failed = view.tries.filter(isFailure);
  if (failed.length === 0) return <p class="pad quiet">No attempt has failed.</p>;
  return (
    <div class="halves">
      {failed.map(({ n, startedAt, failure }) => (
        <section key={n} class="pad" aria-label={`Failure of attempt ${n}`}>
          <p class="label">
            Attempt {n} <span class="mono quiet">{instantText(startedAt, now.value, true)}</span>
          </p>
          {failure !== null && <FailureBox failure={failure} />}
        </section>
      ))}
    </div>
  );
}
