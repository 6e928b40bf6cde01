import { useState } from 'preact/hooks';
import type { Problem } from '../../protocol/hello.ts';
import type { AsTestView } from '../../protocol/job.ts';
import { announcement, moment } from '../app-state.ts';
import { copyText, saveText } from '../browser.ts';
import { token } from '../connection.ts';
import { Modal } from '../shell/modal.tsx';
import { question } from '../source/answers.ts';

type Found = AsTestView | Problem['error'] | null;

/** A button that shows a history as a test file, to be copied or saved. `path`: of the question for it. */
export function AsTestButton({ path }: { readonly path: string }) {
  const [isOpen, setOpen] = useState(false);
  const [found, setFound] = useState<Found>(null);
  const open = async (): Promise<void> => {
    setFound(null);
    setOpen(true);
    const { value } = moment;
    const outcome = await question<AsTestView>(value == null ? path : `${path}?at=${value}`, token);
    if (outcome.is === 'answer') setFound(outcome.answer.data);
    else setFound(outcome.is === 'problem' ? outcome.problem : silence);
  };
  return (
    <>
      <button type="button" class="btn" aria-haspopup="dialog" onClick={() => void open()}>
        Copy as test
      </button>
      {isOpen && <File found={found} close={() => setOpen(false)} />}
    </>
  );
}

const silence: Problem['error'] = {
  code: 'NO_ANSWER',
  text: 'The server did not answer.',
  repair: 'Close this, and try again.',
};

function File({ found, close }: { readonly found: Found; readonly close: () => void }) {
  const [done, setDone] = useState<string | null>(null);
  const file = found !== null && 'lines' in found ? found : null;
  const text = file?.lines.join('\n') ?? '';
  const copy = async (): Promise<void> => {
    const said = await copyText(text).then(
      () => 'Copied',
      () => 'The browser did not allow this page to copy.',
    );
    setDone(said);
    announcement.value = said;
  };
  return (
    <Modal label="Copy as test" class="wide" close={close}>
      <h2>{file === null ? 'Copy as test' : file.file}</h2>
      <div class="in">
        {found === null && <p class="quiet">The history is read …</p>}
        {found !== null && 'code' in found && (
          <p class="fails" role="alert">
            {found.text} {found.repair}
          </p>
        )}
        {file !== null && (
          <>
            <p>
              A whole file for vitest: what came and when, and the way that it went. Change what it expects to
              how it should have gone.
            </p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by key */}
            <pre class="file" tabIndex={0}>
              {text}
            </pre>
          </>
        )}
      </div>
      <div class="row">
        {done !== null && <span class="quiet">{done}</span>}
        <button type="button" class="btn" onClick={close}>
          Close
        </button>
        {file !== null && (
          <>
            <button type="button" class="btn" onClick={() => saveText(file.file, text)}>
              Save…
            </button>
            <button type="button" class="btn main" onClick={() => void copy()}>
              Copy
            </button>
          </>
        )}
      </div>
    </Modal>
  );
}
