import type { PauseView, QueueView } from '../../../protocol/queues.ts';
import { now } from '../../connection.ts';
import { instantText, processName } from '../../format.ts';
import { ActButton } from '../../parts/act.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { queueName } from './queue-name.ts';

/** The pauses of a queue that last, each with who made it, and why. Nothing where there are none. */
export function Pauses({ view }: { readonly view: QueueView }) {
  const { name, pauses } = view;
  return (
    <>
      {pauses.map((pause) => {
        const what = pause.job === null ? 'All jobs' : `Jobs ${pause.job}`;
        return (
          <div key={pause.job ?? ''} class="banner">
            <span class="st st-paused">
              <Glyph name="paused" />
              {what}
            </span>
            <span>{pauseText(pause)}</span>
            <ActButton
              isSmall
              label="Resume…"
              act={{
                ...{ action: 'resume', target: name, job: pause.job, verb: 'Resume' },
                question: `Resume ${what.toLowerCase()} of queue ${queueName(name)}?`,
                does: ['What waits is taken again, in its order.'],
              }}
            />
          </div>
        );
      })}
    </>
  );
}

/** By whom and since when, until when and why. */
export function pauseText({ by, at, reason, until }: PauseView): string {
  const end = until === null ? '' : `, until ${instantText(until, now.value)}`;
  return `paused by ${processName(by)} since ${instantText(at, now.value)}${end}${reason === null ? '' : `: ${reason}`}`;
}
