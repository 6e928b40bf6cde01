import { useEffect } from 'preact/hooks';
import type { DurableActorView } from '../../../protocol/durable.ts';
import type { Tree as TreeOf } from '../../../protocol/tree.ts';
import { setTitle } from '../../browser.ts';
import { now } from '../../connection.ts';
import { durationText, instantText } from '../../format.ts';
import { Banner, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { Entries, FailureBox, Value } from '../../parts/value.tsx';
import { jobHash, pageHash } from '../../route.ts';
import { useLive } from '../../source/live.ts';
import { ActorButtons } from './actor-buttons.tsx';
import { ActorHistory } from './actor-history.tsx';
import { ActorOutline } from './actor-outline.tsx';
import { Life } from './life.tsx';
import { Children, Mail, Next, Timers } from './waits.tsx';

/** One durable actor: where it is, what it waits for, and how it got there. */
export function ActorPage({ id }: { readonly id: string }) {
  const live = useLive<DurableActorView>(`durable/${encodeURIComponent(id)}`);
  const answer = live.answer.value;
  const view = answer?.data ?? null;
  const problem = live.problem.value;
  useEffect(
    () => setTitle(`${view === null ? '' : `${view.status} · `}${id} · Signalbox`),
    [id, view?.status],
  );
  return (
    <main>
      <div class="head">
        <a class="back" href={pageHash('durable', null, view === null ? {} : { machine: view.machine })}>
          ← {view === null ? 'Durable actors' : view.machine}
        </a>
        <h1 class="mono cut">{id}</h1>
        {view !== null && <Facts view={view} />}
      </div>
      {view === null && problem === null && <Skeleton />}
      {problem !== null && <ProblemBox problem={problem} again={live.again} />}
      {view !== null && <Body view={view} askedAt={answer?.at ?? 0} />}
    </main>
  );
}

function Facts({ view }: { readonly view: DurableActorView }) {
  const { status, parent, version, startedAt, finishedAt } = view;
  return (
    <>
      <Life status={status} isPill />
      <span class="facts">
        {parent !== null && (
          <span>
            {parent.child} of{' '}
            <b>
              <a href={pageHash('durable', parent.actor)}>{parent.actor}</a>
            </b>
          </span>
        )}
        <span class="opt">
          version <b>{version}</b>
        </span>
        <span class="opt" title={instantText(startedAt, now.value)}>
          {finishedAt === null ? 'for' : 'lasted'}{' '}
          <b>{durationText((finishedAt ?? now.value) - startedAt)}</b>
        </span>
      </span>
      <ActorButtons view={view} />
    </>
  );
}

function Body({ view, askedAt }: { readonly view: DurableActorView; readonly askedAt: number }) {
  const { verdict, hidden, context, output, failure, status } = view;
  const sinceMs = view.finishedAt === null ? Math.max(0, now.value - askedAt) : 0;
  const isWrong = failure !== null && (status === 'failed' || status === 'suspended');
  return (
    <>
      {hidden !== null && <Banner>Values are not shown: {hidden.replace(/^not shown: /, '')}.</Banner>}
      <section class="why" aria-label="Why">
        <div class="said">
          <span class="label">Why</span>
          <p>
            <b>{sentence(verdict.text)}</b> <Remedy view={view} />
          </p>
        </div>
      </section>
      <div class="cols flip durable-actor">
        <section class="area" aria-label="Chart">
          <ActorOutline view={view} sinceMs={sinceMs} />
        </section>
        <div class="area">
          <div class="halves">
            <section class="waits" aria-label="What it waits for">
              <Next view={view} />
              <Timers view={view} />
              <Mail view={view} />
              <Children view={view} />
              {view.finishedAt !== null && <Tree name="Output" tree={output} />}
            </section>
            <section aria-label="Values">
              <Tree name={noun(view)} tree={context} />
            </section>
          </div>
          {isWrong && (
            <section class="rule" aria-label="Failure">
              <div class="bar">
                <h2 class="label">Failure</h2>
              </div>
              <div class="pad">
                <FailureBox failure={failure} />
              </div>
            </section>
          )}
          <section class="rule" aria-label="History">
            <ActorHistory view={view} />
          </section>
        </div>
      </div>
    </>
  );
}

/** All that a machine holds is its context; a reducer is its state. */
function noun({ state }: DurableActorView): string {
  return state === '' ? 'State' : 'Context';
}

function Tree({ name, tree }: { readonly name: string; readonly tree: TreeOf | null }) {
  return (
    <section aria-label={name}>
      <div class="bar">
        <h2 class="label">{name}</h2>
      </div>
      <div class="pad mono small">
        {tree === null ? <span class="quiet">none</span> : <Values tree={tree} />}
      </div>
    </section>
  );
}

/** One line a key, however short they are. */
function Values({ tree }: { readonly tree: TreeOf }) {
  if (tree.is !== 'object' || tree.entries.length === 0) return <Value tree={tree} />;
  return <Entries entries={tree.entries} more={tree.more} depth={1} />;
}

/** What to do. What a person does on this page has its buttons above. */
function Remedy({ view: { verdict, children } }: { readonly view: DurableActorView }) {
  const child = children.find(({ id }) => verdict.code === 'child' && verdict.text.includes(`child '${id}'`));
  if (child === undefined) return <span class="quiet">{verdict.remedy}</span>;
  return (
    <a href={child.kind === 'job' ? jobHash(child.target) : pageHash('durable', child.target)}>
      Open {child.kind} {child.id}
    </a>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
