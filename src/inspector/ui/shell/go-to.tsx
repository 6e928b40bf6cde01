import { useState } from 'preact/hooks';
import { dialog, go } from '../app-state.ts';
import { jobHash, jobsHash, pageHash } from '../route.ts';
import { Modal } from './modal.tsx';
import { pageLinks } from './pages.tsx';

interface Place {
  readonly name: string;
  readonly what: string;
  readonly hash: string;
}

const pages: readonly Place[] = [
  ...pageLinks.map(({ label, hash }) => ({ name: label, what: 'page', hash })),
  { name: 'Waiting jobs', what: 'list', hash: jobsHash('waiting') },
  { name: 'Held jobs', what: 'list', hash: jobsHash('held') },
  { name: 'Failed jobs', what: 'list', hash: jobsHash('failed') },
  { name: 'Ended jobs', what: 'list', hash: jobsHash('ended') },
  { name: 'Audit: what people did', what: 'timeline', hash: '#/timeline?view=log&q=event:operator.acted' },
];

/** Goes to a job or a durable actor by its id, or to a page by its name. */
export function GoTo() {
  const [text, setText] = useState('');
  const places = placesFor(text.trim());
  const open = (hash: string | undefined): void => {
    if (hash === undefined) return;
    dialog.value = null;
    go(hash);
  };
  return (
    <Modal label="Go to" class="goto-box">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          open(places[0]?.hash);
        }}
      >
        <input
          class="input goline"
          autofocus
          aria-label="Id of a job or an actor, or the name of a page"
          placeholder="id of a job or an actor, or a page"
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </form>
      <ul class="places">
        {places.map(({ name, what, hash }, index) => (
          <li key={hash}>
            <a href={hash} class={index === 0 ? 'first' : undefined} onClick={() => open(hash)}>
              <span class="mono cut">{name}</span>
              <span class="quiet">{what}</span>
            </a>
          </li>
        ))}
      </ul>
    </Modal>
  );
}

function placesFor(text: string): readonly Place[] {
  if (text === '') return pages;
  const named = pages.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
  // Ids of jobs have no slash, and those of actors always.
  const subject = text.includes('/')
    ? { name: text, what: 'durable actor', hash: pageHash('durable', text) }
    : { name: text, what: 'job', hash: jobHash(text) };
  return [...named, subject];
}
