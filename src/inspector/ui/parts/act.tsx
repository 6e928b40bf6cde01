import { useEffect, useRef, useState } from 'preact/hooks';
import { type ActionName, type ActionRequest, type ManyJobs, mostCounted } from '../../protocol/actions.ts';
import type { Problem } from '../../protocol/hello.ts';
import { announcement, go, hello, isInPast } from '../app-state.ts';
import { newKey } from '../browser.ts';
import { token } from '../connection.ts';
import { numberText } from '../format.ts';
import { jobHash } from '../route.ts';
import { Modal } from '../shell/modal.tsx';
import { act } from '../source/answers.ts';

/** Something that a person can do to one subject, and what that means. */
export interface Act {
  readonly action: ActionName;
  readonly target: string;
  readonly job?: string | null;
  /** What is asked: `Cancel this job?` */
  readonly question: string;
  /** What follows, in sentences. */
  readonly does: readonly string[];
  /** The word on the button that does it. */
  readonly verb: string;
  /** Whether it can be taken back. */
  readonly isFinal?: boolean;
  /** The jobs that it is done to, for `bulk`. */
  readonly filter?: ManyJobs['filter'];
}

/** A button that asks, with room for a reason, and then does it. Not there where this person cannot do that, or in the past. */
export function ActButton(props: { readonly act: Act; readonly label: string; readonly isSmall?: boolean }) {
  const { act: what, label } = props;
  const [isOpen, setOpen] = useState(false);
  if (hello.value?.actions.includes(what.action) !== true || isInPast.value) return null;
  const classes = ['btn', props.isSmall === true ? 'small' : '', what.isFinal === true ? 'danger' : ''];
  return (
    <>
      <button
        type="button"
        class={classes.filter((name) => name !== '').join(' ')}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        {label}
      </button>
      {isOpen && <Confirm act={what} close={() => setOpen(false)} />}
    </>
  );
}

function Confirm({ act: what, close }: { readonly act: Act; readonly close: () => void }) {
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<Problem['error'] | null>(null);
  const [isSent, setSent] = useState(false);
  const { count, refused } = useCount(what);
  // The same for every try of this dialog: what was done without an answer is not done twice.
  const key = useRef(newKey());
  const send = async (): Promise<void> => {
    setSent(true);
    const { action, target, job = null, filter } = what;
    const said = reason.trim() === '' ? null : reason.trim();
    const many = filter === undefined ? null : { filter, seen: count };
    const request: ActionRequest = { key: key.current, action, target, job, reason: said, many };
    const outcome = await act(request, token);
    setSent(false);
    if (outcome.is === 'problem') return setProblem(outcome.problem);
    const { text, job: made } = outcome.answer;
    announcement.value = text;
    close();
    if (made !== null) go(jobHash(made));
  };
  // Nothing is done to jobs that were not counted, or that are none.
  const isIdle = what.filter !== undefined && (count ?? 0) === 0;
  return (
    <Modal label={what.question} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isSent && !isIdle) void send();
        }}
      >
        <h2>{what.question}</h2>
        <div class="in">
          <div class="does">
            {what.filter !== undefined && (
              <p>
                <b>{count === null ? 'Jobs are counted …' : foundText(count)}</b>
              </p>
            )}
            {what.does.map((sentence) => (
              <p key={sentence}>{sentence}</p>
            ))}
          </div>
          <label>
            <span class="label">Reason</span>
            <input
              class="input"
              maxLength={1000}
              placeholder="for those who find it"
              value={reason}
              onInput={({ currentTarget }) => setReason(currentTarget.value)}
            />
          </label>
          {(problem ?? refused) !== null && (
            <p class="fails" role="alert">
              {(problem ?? refused)?.text} {(problem ?? refused)?.repair}
            </p>
          )}
        </div>
        <div class="row">
          <button type="button" class="btn" onClick={close}>
            Leave it
          </button>
          <button
            type="submit"
            class={what.isFinal === true ? 'btn danger' : 'btn main'}
            aria-disabled={isSent || isIdle ? 'true' : undefined}
          >
            {what.verb}
          </button>
        </div>
      </form>
    </Modal>
  );
}

/** How many jobs a filter finds, asked when the dialog opens. */
function useCount({ action, target, filter }: Act): {
  readonly count: number | null;
  readonly refused: Problem['error'] | null;
} {
  const [count, setCount] = useState<number | null>(null);
  const [refused, setRefused] = useState<Problem['error'] | null>(null);
  useEffect(() => {
    if (filter === undefined) return;
    const request = { key: newKey(), action, target, job: null, reason: null, many: { filter, seen: null } };
    void act(request, token).then((outcome) => {
      if (outcome.is === 'problem') setRefused(outcome.problem);
      else setCount(outcome.answer.count);
    });
  }, []);
  return { count, refused };
}

function foundText(count: number): string {
  if (count === 1) return '1 job is found.';
  return `${numberText(count)}${count >= mostCounted ? ' jobs or more' : ' jobs'} are found.`;
}
