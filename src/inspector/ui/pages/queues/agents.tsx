import type { AgentView } from '../../../protocol/queues.ts';
import { hello } from '../../app-state.ts';
import { numberText, processName } from '../../format.ts';
import { type Act, ActButton } from '../../parts/act.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { pageHash } from '../../route.ts';
import { pauseText } from './pauses.tsx';

const mostAgents = 30;
const glyphs: Readonly<Record<AgentView['state'], string>> = {
  'at work': 'running',
  dead: 'failed',
  'not at work': 'new',
};

/** The agents of a queue, and what each accepts. */
export function Agents(props: { readonly queue: string; readonly agents: readonly AgentView[] }) {
  const { queue, agents } = props;
  const rest = agents.length - mostAgents;
  return (
    <>
      <div class="bar rule">
        <h2 class="label">Agents</h2>
        <span class="mono quiet">{agents.length}</span>
      </div>
      {agents.length === 0 ? (
        <div class="empty tight">
          <span>
            <b>No agent.</b> A process that starts adds one:
          </span>
          <code>await box.start()</code>
        </div>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th>agent</th>
              <th class="fit">state</th>
              <th class="fit num">slots</th>
              <th class="c-lane">takes</th>
              {hello.value?.actions.includes('pauseAgent') === true && (
                <th class="fit" aria-label="What you can do" />
              )}
            </tr>
          </thead>
          <tbody>
            {agents.slice(0, mostAgents).map((agent) => (
              <Line key={`${agent.dispatcher}/${agent.name}`} queue={queue} agent={agent} />
            ))}
            {rest > 0 && (
              <tr>
                <td colspan={5} class="quiet">
                  ⋮ {numberText(rest)} more
                </td>
              </tr>
            )}
          </tbody>
        </table>
      )}
    </>
  );
}

function actOf(queue: string, { dispatcher, name, paused }: AgentView): Act {
  const target = `${queue}/${dispatcher}/${name}`;
  const who = `agent ${name} @ ${processName(dispatcher)}`;
  return paused === null
    ? {
        ...{ action: 'pauseAgent', target, question: `Pause ${who}?`, verb: 'Pause the agent' },
        does: ['What it runs goes on. It takes nothing more but system jobs.'],
      }
    : {
        ...{ action: 'resumeAgent', target, question: `Resume ${who}?`, verb: 'Resume the agent' },
        does: [`It is ${pauseText(paused)}.`, 'It takes jobs again.'],
      };
}

function Line({ queue, agent }: { readonly queue: string; readonly agent: AgentView }) {
  const { name, dispatcher, state, failure, held, size, takes, paused } = agent;
  const glyph = failure !== null ? 'failed' : paused !== null ? 'paused' : glyphs[state];
  const word = failure !== null ? 'cannot claim' : paused !== null ? 'paused' : state;
  return (
    <tr title={failure ?? (paused === null ? undefined : pauseText(paused))}>
      <td class="task" title={dispatcher}>
        <a href={pageHash('actors', `agent:${queue}/${dispatcher}/${name}`)}>
          {name} @ {processName(dispatcher)}
        </a>
      </td>
      <td class="fit">
        <span class={`st st-${glyph}`}>
          <Glyph name={glyph} />
          {word}
        </span>
      </td>
      <td class="fit num">
        {numberText(held)}/{numberText(size)}
      </td>
      <td title={takes}>{takes}</td>
      {hello.value?.actions.includes('pauseAgent') === true && (
        <td class="fit">
          <ActButton isSmall act={actOf(queue, agent)} label={paused === null ? 'Pause…' : 'Resume…'} />
        </td>
      )}
    </tr>
  );
}
