import { useEffect, useRef, useState } from 'preact/hooks';
import type { EdgeHeat, MachineView } from '../../../protocol/machines.ts';
import { setSetting, setTitle, setting } from '../../browser.ts';
import { edgeKey } from '../../chart/edge-key.ts';
import { type Heat, heatOf } from '../../chart/heat.ts';
import { HeatChart } from '../../chart/heat-chart.tsx';

import { layoutOf } from '../../chart/layouts.ts';
import { useKeys } from '../../keys.ts';
import { Banner, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { type PageRoute, pageHash } from '../../route.ts';
import type { LatePage } from '../../shell/pages.tsx';
import { useLive } from '../../source/live.ts';
import { CoverageView } from './coverage-view.tsx';
import { Figures } from './figures.tsx';
import { HeatOutline } from './heat-outline.tsx';
import { MachineHead } from './machine-head.tsx';
import { MachineList } from './machine-list.tsx';
import './machines.css';
import { PickedWay } from './picked-way.tsx';
import { TestsDrop } from './tests-drop.tsx';
import { compared } from './tests-files.ts';

/** Where all are, which ways they take, and which they never do: each chart of the engine as a heat map. */
export const MachinesPage: LatePage = ({ route }) => {
  const name = route.id === null || route.id === '' ? 'job' : route.id;
  useEffect(() => setTitle(`Machines: ${name} · Signalbox`), [name]);
  return (
    <TestsDrop>
      {compared.value === null ? (
        <Traffic name={name} route={route} />
      ) : (
        <CoverageView compared={compared.value} name={name} />
      )}
    </TestsDrop>
  );
};

/** Without files of tests: the traffic of the journal. */
function Traffic({ name, route }: { readonly name: string; readonly route: PageRoute }) {
  const live = useLive<MachineView>(pathOf(name, route));
  // While another way is asked for, the chart stays.
  const known = useRef<MachineView | null>(null);
  known.current = live.answer.value?.data ?? known.current;
  const view = known.current?.machine.name === name ? known.current : null;
  if (view === null)
    return (
      <>
        <h1 class="unseen">Machines</h1>
        {live.problem.value === null ? (
          <Skeleton />
        ) : (
          <ProblemBox problem={live.problem.value} again={live.again} />
        )}
      </>
    );
  return <Machine view={view} route={route} />;
}

function Machine({ view, route }: { readonly view: MachineView; readonly route: PageRoute }) {
  const { machine, machines, picked, range } = view;
  const [form, setForm] = useState(setting('heat') === 'outline' ? 'outline' : 'heat');
  const choose = (next: string): void => {
    setForm(next);
    setSetting('heat', next);
  };
  useKeys({ c: () => choose(form === 'heat' ? 'outline' : 'heat') });
  const heat = heatOf(machine);
  const hashOf = (edge: EdgeHeat): string => hashOfWay(machine.name, route, edgeKey(edge));
  const pickedKey = picked === null ? null : edgeKey(picked);
  return (
    <div class="cols flip3 machines">
      <MachineList machines={machines} chosen={machine.name} />
      <section class="area chart-area" aria-label="Chart">
        <MachineHead machine={machine} range={range} form={form} choose={choose} />
        {machine.remark !== null && <Banner>{machine.remark}</Banner>}
        <Drawn heat={heat} form={form} picked={pickedKey} hashOf={hashOf} />
        <Unknown heat={heat} />
        <PickedWay machine={machine} picked={picked} />
      </section>
      <Figures heat={heat} picked={pickedKey} hashOf={hashOf} />
    </div>
  );
}

function Drawn(props: {
  readonly heat: Heat;
  readonly form: string;
  readonly picked: string | null;
  readonly hashOf: (edge: EdgeHeat) => string;
}) {
  const { heat, form, picked, hashOf } = props;
  const layout = layoutOf(heat.machine.name);
  if (layout === null) return null;
  return (
    <>
      {form === 'heat' && (
        <div class="chart-wrap roomy no-phone">
          <HeatChart layout={layout} heat={heat} picked={picked} hashOf={hashOf} />
        </div>
      )}
      <div class={form === 'heat' ? 'outlined' : undefined}>
        <HeatOutline layout={layout} heat={heat} hashOf={hashOf} />
      </div>
    </>
  );
}

/** What entries say that this chart does not. */
function Unknown({ heat: { machine } }: { readonly heat: Heat }) {
  const [first] = machine.unknown;
  if (first === undefined) return null;
  const count = machine.unknown.reduce((sum, each) => sum + each.count, 0);
  return (
    <Banner>
      {count === 1 ? '1 entry took a way' : `${count} entries took ways`} that the chart of today does not
      have, as{' '}
      <b class="mono">
        {first.from} {first.event} {first.to}
      </b>
      : another version of it made them.
    </Banner>
  );
}

function pathOf(name: string, { query }: PageRoute): string {
  const asked = new URLSearchParams();
  for (const [key, value] of [
    ['edge', query.way],
    ['from', query.from],
    ['to', query.to],
  ] as const)
    if (value !== undefined) asked.set(key, value);
  const text = asked.toString();
  return `machines/${encodeURIComponent(name)}${text === '' ? '' : `?${text}`}`;
}

function hashOfWay(name: string, { query: { from, to } }: PageRoute, way: string): string {
  return pageHash('machines', name, {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    way,
  });
}
