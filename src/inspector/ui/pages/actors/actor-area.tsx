import { useEffect, useRef } from 'preact/hooks';
import type { ActorDetail } from '../../../protocol/actors.ts';
import type { Answer } from '../../../protocol/answer.ts';
import { setTitle } from '../../browser.ts';
import { now } from '../../connection.ts';
import { durationText, numberText, processName } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { Banner, Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { jobsHash, pageHash } from '../../route.ts';
import { useLive } from '../../source/live.ts';
import type { StateLook } from '../../state.ts';
import { EventsTable } from './events-table.tsx';
import { HeldTable } from './held-table.tsx';
import { agentLook, dispatcherLook, machineLook } from './looks.ts';
import { MachineArea } from './machine-area.tsx';
import { PollsArea } from './polls-area.tsx';
import { QueuesTable } from './queues-table.tsx';
import { Threads } from './threads.tsx';

/** One actor: where its machine is, what it did, what it holds. */
export function ActorArea({ id, poll }: { readonly id: string; readonly poll: string | null }) {
  const query = poll === null ? '' : `?${new URLSearchParams({ poll })}`;
  const live = useLive<ActorDetail>(`actors/${encodeURIComponent(id)}${query}`);
  const known = useRef<Answer<ActorDetail> | null>(null);
  known.current = live.answer.value ?? known.current;
  const answer = known.current;
  return (
    <section class="area" aria-label="Actor">
      {answer === null && live.problem.value === null && <Skeleton />}
      {live.problem.value !== null && <ProblemBox problem={live.problem.value} again={live.again} />}
      {answer !== null && <Detail answer={answer} />}
    </section>
  );
}

function Detail({ answer }: { readonly answer: Answer<ActorDetail> }) {
  const { data: view, at } = answer;
  const look = lookOfActor(view);
  const name = view.kind === 'dispatcher' ? processName(view.name) : view.name;
  useEffect(() => {
    const where = view.kind === 'agent' ? ` @ ${processName(view.dispatcher ?? '')}` : '';
    setTitle(`${look.word === '' ? '' : `${look.word} · `}${name}${where} · Signalbox`);
  }, [look.word, name, view.kind, view.dispatcher]);
  if (view.kind === null)
    return (
      <>
        <h1 class="unseen">{view.name}</h1>
        <Empty title="There is no such actor.">
          {view.notLive} It may have ended: choose one of the tree.
        </Empty>
      </>
    );
  // What is measured up to the answer grows until the next one.
  const sinceMs = view.machine === null ? 0 : Math.max(0, now.value - at);
  const { machine, agent, dispatching } = view;
  return (
    <>
      <Head view={view} name={name} look={look} sinceMs={sinceMs} />
      {view.notLive !== null && <Banner>{view.notLive}</Banner>}
      {machine !== null && <MachineArea view={view} machine={machine} sinceMs={sinceMs} at={at + sinceMs} />}
      {machine === null && agent !== null && <RecordFacts agent={agent} />}
      {agent?.threads != null && <Threads threads={agent.threads} size={agent.size} />}
      {dispatching !== null && dispatching.polls.length > 0 && <PollsArea id={view.id} facts={dispatching} />}
      <div class={machine === null || view.kind === 'supervisor' ? 'rule' : 'halves rule'}>
        {agent !== null && <HeldTable facts={agent} queue={view.queue ?? ''} sinceMs={sinceMs} />}
        {machine !== null && <EventsTable machine={machine} at={at + sinceMs} />}
        {dispatching !== null && <QueuesTable facts={dispatching} uuid={view.dispatcher ?? ''} />}
      </div>
    </>
  );
}

function lookOfActor(view: ActorDetail): StateLook {
  const state = view.machine?.state ?? null;
  if (view.agent !== null) return agentLook({ ...view.agent, state });
  if (view.dispatching !== null) return dispatcherLook({ ...view.dispatching, state });
  return state === null ? { glyph: 'unknown', word: '' } : machineLook(state);
}

function Head(props: {
  readonly view: ActorDetail;
  readonly name: string;
  readonly look: StateLook;
  readonly sinceMs: number;
}) {
  const { view, name, look, sinceMs } = props;
  const { agent, dispatching, dispatcher, queue } = view;
  return (
    <div class="head">
      <h1 class="mono" title={view.name}>
        {name}
      </h1>
      {look.word !== '' && (
        <span class={`st st-${look.glyph} pill`}>
          <Glyph name={look.glyph} />
          {look.word}
        </span>
      )}
      <span class="facts">
        {agent !== null && (
          <>
            <span>
              agent of{' '}
              <b>
                <a href={pageHash('actors', `dispatcher:${dispatcher}`)}>{processName(dispatcher ?? '')}</a>
              </b>
            </span>
            <span>
              queue{' '}
              <b>
                <a href={jobsHash('held', queue)}>{queue === '' ? "''" : queue}</a>
              </b>
            </span>
            <span>
              slots{' '}
              <b>
                {numberText(agent.held)} of {numberText(agent.size)}
              </b>
            </span>
            {agent.liveSize !== null && agent.liveSize !== agent.size && (
              <span class="past">
                has {numberText(agent.liveSize)}, takes over the new size at its next claim
              </span>
            )}
          </>
        )}
        {dispatching !== null && (
          <>
            {dispatching.health !== null && dispatching.health !== 'STUCK' && (
              <span>
                health <b>{dispatching.health}</b>
              </span>
            )}
            {dispatching.pollAgeMs !== null && (
              <span>
                last poll{' '}
                <b class={dispatching.health === 'STUCK' ? 'fails' : undefined}>
                  {durationText(dispatching.pollAgeMs + sinceMs)}
                </b>{' '}
                ago, every {durationText(dispatching.pollIntervalMs ?? 0)}
              </span>
            )}
            {dispatching.uptimeMs !== null && (
              <span>
                up <b>{durationText(dispatching.uptimeMs + sinceMs)}</b>
              </span>
            )}
            {dispatching.lastSignAt !== null && (
              <span>
                last sign <b>{durationText(now.value - dispatching.lastSignAt)}</b> ago
              </span>
            )}
          </>
        )}
        {view.kind === 'supervisor' && <span>opens the store, recovers, routes work and drains</span>}
      </span>
    </div>
  );
}

/** What is known of an agent whose machine is not seen. */
function RecordFacts({ agent }: { readonly agent: NonNullable<ActorDetail['agent']> }) {
  return (
    <dl class="next">
      <dt>Takes</dt>
      <dd>{agent.selection}</dd>
      {agent.failure !== null && (
        <>
          <dt>Failure</dt>
          <dd class="fails">{agent.failure}</dd>
        </>
      )}
    </dl>
  );
}
