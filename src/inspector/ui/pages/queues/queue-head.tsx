import type { QueueState, QueueView } from '../../../protocol/queues.ts';
import { durationText, numberText } from '../../format.ts';
import { type Act, ActButton } from '../../parts/act.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { jobsHash, pageHash } from '../../route.ts';
import { queueName } from './queue-name.ts';

/** The name of a queue, whether it is open, and how much there is. */
export function QueueHead({ view }: { readonly view: QueueView }) {
  const { name, waiting, held, oldestMs, startsPerMinute } = view;
  return (
    <div class="head">
      <a class="back" href={pageHash('queues')}>
        ← Queues
      </a>
      <h1 class="mono">{queueName(name)}</h1>
      <QueuePill queue={view} isPill />
      <span class="facts">
        <span>
          waiting{' '}
          <b>
            {numberText(waiting.n)}
            {waiting.more ? '+' : ''}
          </b>
        </span>
        <span>
          held <b>{numberText(held)}</b>
        </span>
        {oldestMs !== null && (
          <span class="opt">
            oldest <b>{durationText(oldestMs)}</b>
          </span>
        )}
        <span class="opt">
          starts <b>{numberText(startsPerMinute)} a minute</b>
        </span>
      </span>
      <span class="actions">
        {view.state === 'paused' ? null : <ActButton act={pauseOf(name)} label="Pause…" />}
        <a class="btn" href={jobsHash('waiting', name)}>
          Filter its jobs
        </a>
      </span>
    </div>
  );
}

function pauseOf(name: string): Act {
  return {
    ...{
      action: 'pause',
      target: name,
      question: `Pause queue ${queueName(name)}?`,
      verb: 'Pause the queue',
    },
    does: [
      'Its jobs wait until it is resumed; new ones can be put.',
      'What runs goes on, with its callbacks, and so do system jobs.',
    ],
  };
}

/** Whether an agent is at work: red while jobs wait for one. */
export function QueuePill(props: { readonly queue: QueueState; readonly isPill: boolean }) {
  const { state, waiting } = props.queue;
  const glyph =
    state === 'paused' ? 'paused' : state === 'open' ? 'running' : waiting.n > 0 ? 'failed' : 'new';
  return (
    <span class={`st st-${glyph}${props.isPill ? ' pill' : ''}`}>
      <Glyph name={glyph} />
      {state}
    </span>
  );
}
