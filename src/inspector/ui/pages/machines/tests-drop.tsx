import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { carriesFiles, readFiles } from '../../browser.ts';
import { ProblemBox } from '../../parts/messages.tsx';
import { refusal, take } from './tests-files.ts';

/** The page as a place where files of tests can be dropped. */
export function TestsDrop({ children }: { readonly children: ComponentChildren }) {
  const [isOver, setOver] = useState(false);
  return (
    <main
      class={isOver ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        if (!carriesFiles(event.dataTransfer)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (event.target === event.currentTarget || event.relatedTarget === null) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void readFiles(event.dataTransfer?.files).then(take);
      }}
    >
      {refusal.value !== null && <ProblemBox problem={refusal.value} />}
      {children}
      {isOver && (
        <p class="drop-here">Drop the files of collectCoverage: they are read here, and sent nowhere.</p>
      )}
    </main>
  );
}

/** The same for those who use keys, or have no files to drag. */
export function TestsInput({ label }: { readonly label: string }) {
  return (
    <label
      class="btn small"
      title="Files that collectCoverage({ dir }) has written. They are read here, and sent nowhere."
    >
      <input
        type="file"
        class="unseen"
        multiple
        accept=".json,application/json"
        onChange={({ currentTarget }) => {
          const { files } = currentTarget;
          // The same files can be chosen again.
          void readFiles(files).then((read) => {
            currentTarget.value = '';
            return take(read);
          });
        }}
      />
      {label}
    </label>
  );
}
