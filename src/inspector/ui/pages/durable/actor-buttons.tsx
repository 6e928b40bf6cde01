import type { DurableActorView } from '../../../protocol/durable.ts';
import { type Act, ActButton } from '../../parts/act.tsx';
import { AsTestButton } from '../../parts/as-test.tsx';

/** What a person can do with an actor. To one that has ended, nothing can be done. */
export function ActorButtons({ view }: { readonly view: DurableActorView }) {
  const { id, status, mail } = view;
  const isAlive = status === 'active' || status === 'suspended';
  return (
    <span class="actions">
      {status === 'active' && <ActButton act={suspendOf(id)} label="Suspend…" />}
      {status === 'suspended' && <ActButton act={resumeOf(id)} label="Resume…" />}
      {status === 'suspended' && <ActButton act={skipOf(id, mail.count)} label="Skip…" />}
      {isAlive && <ActButton act={stopOf(id)} label="Stop…" />}
      <AsTestButton path={`durable/${encodeURIComponent(id)}/test`} />
    </span>
  );
}

function suspendOf(id: string): Act {
  return {
    ...{ action: 'suspendActor', target: id, question: `Suspend ${id}?` },
    ...{
      verb: 'Suspend it',
      does: ['Its mail and its timers wait until it is resumed. Its children go on.'],
    },
  };
}

function resumeOf(id: string): Act {
  return {
    ...{ action: 'resumeActor', target: id, question: `Resume ${id}?` },
    ...{
      verb: 'Resume it',
      does: ['It takes its mail and what became due meanwhile. A step that threw is made again.'],
    },
  };
}

function skipOf(id: string, mail: number): Act {
  return {
    ...{ action: 'skipActor', target: id, question: `Resume ${id} without what threw?`, isFinal: true },
    ...{
      verb: 'Skip and resume',
      does: [
        mail === 0
          ? 'The timer that is due first is dropped, and it goes on.'
          : 'The message that comes first is a dead letter then, or the timer that is due before it is dropped, and it goes on.',
      ],
    },
  };
}

function stopOf(id: string): Act {
  return {
    ...{ action: 'stopActor', target: id, question: `Stop ${id}?`, isFinal: true },
    ...{
      verb: 'Stop it',
      does: [
        'It ends at once, and its children with it. Its mail is dead. A parent learns that it has failed.',
      ],
    },
  };
}
