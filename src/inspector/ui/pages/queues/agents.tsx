import type { AgentView } from '../../../protocol/queues.ts';
import { numberText, processName } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { pageHash } from '../../route.ts';

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
            </tr>
          </thead>
          <tbody>
            {agents.slice(0, mostAgents).map((agent) => (
              <Line key={`${agent.dispatcher}/${agent.name}`} queue={queue} agent={agent} />
            ))}
            {rest > 0 && (
              <tr>
                <td colspan={4} class="quiet">
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

function Line({ queue, agent }: { readonly queue: string; readonly agent: AgentView }) {
  const { name, dispatcher, state, failure, held, size, takes } = agent;
  const glyph = failure === null ? glyphs[state] : 'failed';
  return (
    <tr title={failure ?? undefined}>
      <td class="task" title={dispatcher}>
        <a href={pageHash('actors', `agent:${queue}/${dispatcher}/${name}`)}>
          {name} @ {processName(dispatcher)}
        </a>
      </td>
      <td class="fit">
        <span class={`st st-${glyph}`}>
          <Glyph name={glyph} />
          {failure === null ? state : 'cannot claim'}
        </span>
      </td>
      <td class="fit num">
        {numberText(held)}/{numberText(size)}
      </td>
      <td title={takes}>{takes}</td>
    </tr>
  );
}
