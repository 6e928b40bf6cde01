import type { AgentSlots, OverviewView } from '../../../protocol/overview.ts';
import { durationText, numberText } from '../../format.ts';

/** The five figures of the whole. */
export function Readouts({ view }: { readonly view: OverviewView }) {
  const { waiting, slots, ended } = view;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const [succeeded, failed] = [sum(ended.succeeded), sum(ended.failed)];
  const minutes = Math.max(1 / 60, (ended.to - ended.from) / 60_000);
  const span = durationText(ended.to - ended.from).replace(/ 00 s$/, '');
  return (
    <section class="readouts rule" aria-label="Figures">
      <div class="readout">
        <span class="label">Waiting</span>
        <b>
          {numberText(waiting.count.n)}
          {waiting.count.more ? '+' : ''}
        </b>
        <span class="sub">
          {waiting.oldestMs === null ? 'none is due' : `oldest ${durationText(waiting.oldestMs)}`}
        </span>
      </div>
      <div class="readout wide">
        <span class="label">Slots</span>
        <b>
          {numberText(slots.held)} <small>of {numberText(slots.size)} held</small>
        </b>
        <Slots agents={slots.agents} />
      </div>
      <div class="readout">
        <span class="label">Succeeded</span>
        <b>
          {rateText(succeeded / minutes)} <small>a minute</small>
        </b>
        <span class="sub">
          {ended.runMs === null
            ? 'none yet'
            : `run p50 ${durationText(ended.runMs.p50)} · p95 ${durationText(ended.runMs.p95)}`}
        </span>
      </div>
      <div class="readout">
        <span class="label">Failed</span>
        <b class={failed > 0 ? 'fails' : undefined}>
          {succeeded + failed === 0 ? '–' : `${((failed / (succeeded + failed)) * 100).toFixed(1)} %`}
        </b>
        <span class="sub">
          {numberText(failed)} of {numberText(succeeded + failed)} in {span}
          {ended.cancelled > 0 ? ` · ${numberText(ended.cancelled)} cancelled` : ''}
        </span>
      </div>
      <div class="readout">
        <span class="label">Wait</span>
        <b>
          {ended.waitMs === null ? '–' : durationText(ended.waitMs.p50)} <small>p50</small>
        </b>
        <span class="sub">
          {ended.waitMs === null ? 'none has started' : `p95 ${durationText(ended.waitMs.p95)}`}
        </span>
      </div>
    </section>
  );
}

function rateText(perMinute: number): string {
  return perMinute > 0 && perMinute < 10 ? perMinute.toFixed(1) : numberText(Math.round(perMinute));
}

/** The name of an agent, with its queue where another one has the same. */
function nameIn(agents: readonly AgentSlots[], { name, queue }: AgentSlots): string {
  const isUnique = agents.filter((other) => other.name === name).length === 1;
  return isUnique ? name : `${queue === '' ? "''" : queue}/${name}`;
}

const mostCells = 160;
const mostNamed = 5;

/** One cell a slot, by agent; above a size they are said in words alone. */
function Slots({ agents }: { readonly agents: readonly AgentSlots[] }) {
  const total = agents.reduce((sum, { size }) => sum + size, 0);
  // With many of them, those that hold most say most.
  const named =
    agents.length <= mostNamed
      ? agents
      : agents.toSorted((one, other) => other.held - one.held).slice(0, mostNamed);
  let x = 0.5;
  const groups = agents.map((agent) => {
    const from = x;
    x += Math.ceil(agent.size / 2) * 9 + 6;
    return { agent, from };
  });
  return (
    <>
      {total > 0 && total <= mostCells && (
        <svg
          class="slots"
          viewBox={`0 0 ${Math.max(320, x)} 18`}
          preserveAspectRatio="xMinYMid meet"
          role="img"
          aria-label={agents
            .map(({ name, held, size }) => `${name}: ${held} of ${size} slots held`)
            .join(', ')}
        >
          {groups.map(({ agent, from }) => (
            <g key={`${agent.queue}/${agent.dispatcher}/${agent.name}`}>
              {Array.from({ length: agent.size }, (_, slot) => (
                <rect
                  key={slot}
                  class={`slot${slot < agent.held ? (agent.state === 'at work' ? ' on' : ' late') : ''}`}
                  x={from + Math.floor(slot / 2) * 9}
                  y={slot % 2 === 0 ? 0.5 : 9.5}
                  width="7"
                  height="7"
                />
              ))}
            </g>
          ))}
        </svg>
      )}
      <span class="sub cut">
        {agents.length === 0 && 'no agent'}
        {named.map((agent, index) => (
          <span
            key={`${agent.queue}/${agent.dispatcher}/${agent.name}`}
            class={agent.state === 'at work' ? '' : 'past'}
          >
            {index > 0 ? ' · ' : ''}
            {nameIn(agents, agent)} {agent.held}/{agent.size}
            {agent.state === 'at work' ? '' : ` ${agent.state}`}
          </span>
        ))}
        {agents.length > named.length && ` · ${numberText(agents.length - named.length)} more`}
      </span>
    </>
  );
}
