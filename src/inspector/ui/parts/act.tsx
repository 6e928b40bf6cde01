import { useRef, useState } from 'preact/hooks';
import type { ActionName, ActionRequest } from '../../protocol/actions.ts';
import type { Problem } from '../../protocol/hello.ts';
import { announcement, hello, isInPast } from '../app-state.ts';
import { newKey } from '../browser.ts';
import { token } from '../connection.ts';
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
  // The same for every try of this dialog: what was done without an answer is not done twice.
  const key = useRef(newKey());
  const send = async (): Promise<void> => {
    setSent(true);
    const { action, target, job = null } = what;
    const said = reason.trim() === '' ? null : reason.trim();
    const request: ActionRequest = { key: key.current, action, target, job, reason: said };
    const outcome = await act(request, token);
    setSent(false);
    if (outcome.is === 'problem') return setProblem(outcome.problem);
    announcement.value = outcome.answer.text;
    close();
  };
  return (
    <Modal label={what.question} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isSent) void send();
        }}
      >
        <h2>{what.question}</h2>
        <div class="in">
          <div class="does">
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
          {problem !== null && (
            <p class="fails" role="alert">
              {problem.text} {problem.repair}
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
            aria-disabled={isSent ? 'true' : undefined}
          >
            {what.verb}
          </button>
        </div>
      </form>
    </Modal>
  );
}
