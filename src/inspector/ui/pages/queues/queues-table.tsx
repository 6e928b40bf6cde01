import type { QueueLine } from '../../../protocol/queues.ts';
import { go } from '../../app-state.ts';
import { moveFocus } from '../../browser.ts';
import { durationText, numberText } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { jobHash, pageHash } from '../../route.ts';
import { Blocker } from './blocker.tsx';
import { QueuePill } from './queue-head.tsx';
import { queueName } from './queue-name.ts';

/** More are counted, not named. */
const mostParts = 4;

/** One line a queue. */
export function QueuesTable({ queues }: { readonly queues: readonly QueueLine[] }) {
  useKeys({
    j: () => moveFocus('.queues .rowlink.first', 1),
    k: () => moveFocus('.queues .rowlink.first', -1),
  });
  return (
    <table class="table queues rule">
      <thead>
        <tr>
          <th class="fit">queue</th>
          <th class="fit">state</th>
          <th class="fit num">waiting</th>
          <th class="fit num">held</th>
          <th class="fit num">oldest</th>
          <th class="fit num opt">starts/min</th>
          <th class="fit num opt">lanes</th>
          <th class="opt">quotas</th>
          <th class="opt">agents</th>
          <th class="opt">what holds its first job</th>
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => (
          <Line key={queue.name} queue={queue} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ queue }: { readonly queue: QueueLine }) {
  const { name, waiting, held, oldestMs, startsPerMinute, lanes, quotas, agents, first } = queue;
  const hash = pageHash('queues', name);
  return (
    <tr onClick={() => go(hash)}>
      <td class="task fit">
        <a class="rowlink first" href={hash}>
          {queueName(name)}
        </a>
      </td>
      <td class="fit">
        <QueuePill queue={queue} isPill={false} />
      </td>
      <td class="fit num">
        {numberText(waiting.n)}
        {waiting.more ? '+' : ''}
      </td>
      <td class="fit num">{numberText(held)}</td>
      <td class="fit num">{oldestMs === null ? '–' : durationText(oldestMs)}</td>
      <td class="fit num opt">{numberText(startsPerMinute)}</td>
      <td class="fit num opt">
        {numberText(lanes.n)}
        {lanes.more ? '+' : ''}
      </td>
      <td class="opt">
        {quotas.length === 0 && <span class="faint">–</span>}
        {quotas.slice(0, mostParts).map(({ name: quota, taken, size }) => (
          <span key={quota} class={`part${taken >= size ? ' fails' : ''}`}>
            {quota} {numberText(taken)}/{numberText(size)}
          </span>
        ))}
        <More n={quotas.length - mostParts} />
      </td>
      <td class="opt">
        {agents.length === 0 && <span class="faint">–</span>}
        {agents.slice(0, mostParts).map((agent) => (
          <span
            key={`${agent.dispatcher}/${agent.name}`}
            class={`part${agent.failure !== null ? ' fails' : agent.state === 'at work' ? '' : ' past'}`}
            title={agent.failure ?? `of dispatcher ${agent.dispatcher}`}
          >
            {agent.name} {numberText(agent.held)}/{numberText(agent.size)}
            {agent.failure !== null ? ' fails' : agent.state === 'at work' ? '' : ` ${agent.state}`}
          </span>
        ))}
        <More n={agents.length - mostParts} />
      </td>
      <td class="opt">
        {first === null ? (
          <span class="faint">nothing waits</span>
        ) : (
          <a class="rowlink" href={jobHash(first.job)} onClick={(event) => event.stopPropagation()}>
            <Blocker blocker={first} />
          </a>
        )}
      </td>
    </tr>
  );
}

function More({ n }: { readonly n: number }) {
  return n > 0 ? <span class="part faint">and {numberText(n)} more</span> : null;
}
