import { useSignal } from '@preact/signals';
import type { TimebarView } from '../../protocol/timeline.ts';
import { announcement, go } from '../app-state.ts';
import { present, token } from '../connection.ts';
import { durationText, instantText, numberText } from '../format.ts';
import { jobHash } from '../route.ts';
import { question } from '../source/answers.ts';
import type { TimeBarProps } from './time-bar-props.ts';
import { typedMoment } from './typed.ts';

/** The moment in words. They can be written over: an entry, a time, the id of a job. */
export function Words({ seq, at, isPast, goTo }: TimeBarProps) {
  const isOpen = useSignal(false);
  if (isOpen.value)
    return (
      <form
        class="where"
        onSubmit={(event) => {
          event.preventDefault();
          const { value } = event.currentTarget.elements.namedItem('moment') as HTMLInputElement;
          isOpen.value = false;
          void goToTyped(value, goTo);
        }}
      >
        <input
          class="input moment"
          name="moment"
          autofocus
          aria-label="An entry, a time or the id of a job"
          placeholder="seq, 14:01, 5m ago, id"
          spellcheck={false}
          autocomplete="off"
          ref={(element) => element?.focus()}
          onBlur={() => {
            isOpen.value = false;
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            // It leaves the field, and not the moment.
            event.stopPropagation();
            isOpen.value = false;
          }}
        />
      </form>
    );
  return (
    <button
      type="button"
      class="where words"
      title="Go to an entry, a time or a job"
      onClick={() => {
        isOpen.value = true;
      }}
    >
      <span>
        seq <b>{numberText(seq)}</b>
      </span>
      <span class="no-phone">{instantText(at, present.value, true)}</span>
      {isPast && <span class="past">{durationText(present.value - at)} ago</span>}
    </button>
  );
}

async function goToTyped(text: string, goTo: (seq: number | null) => void): Promise<void> {
  const typed = typedMoment(text, present.peek());
  if (typed.is === 'now') return goTo(null);
  if (typed.is === 'seq') return goTo(typed.seq);
  if (typed.is === 'id') return go(jobHash(typed.id));
  const outcome = await question<TimebarView>(`timebar?instant=${Math.max(0, Math.round(typed.at))}`, token);
  const seqAt = outcome.is === 'answer' ? outcome.answer.data.seqAt : null;
  if (seqAt === null) announcement.value = 'History does not reach back to that time.';
  else goTo(seqAt);
}
