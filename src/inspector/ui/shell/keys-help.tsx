import { useState } from 'preact/hooks';
import { setSingleKeys, singleKeysAreOn } from '../keys.ts';
import { Modal } from './modal.tsx';
import { pageLinks } from './pages.tsx';

const keys: readonly (readonly [keys: readonly string[], does: string])[] = [
  [['Ctrl K'], 'go to a job or a page'],
  ...pageLinks.map(({ key, label }) => [['g', key], label.toLowerCase()] as const),
  [['↑', '↓', '←', '→'], 'in a tree: up, down, fold, unfold'],
  [['j', 'k', 'Enter', 'Space'], 'rows: down, up, open, peek'],
  [['/'], 'filter'],
  [['n'], 'show new rows'],
  [['←', '→'], 'an entry back or on, on the page of a job one of that job; with shift, ten'],
  [['Home', 'End'], 'the first entry, and the last one: now'],
  [['L'], 'now'],
  [['c'], 'chart or outline'],
  [['d'], 'what a step changed: entry, attempt, all'],
  [['w'], 'why'],
  [['y', 'Y'], 'copy the link; copy as …'],
  [['T'], 'theme'],
];

/** Which keys there are. */
export function KeysHelp() {
  const [areOn, setOn] = useState(singleKeysAreOn());
  return (
    <Modal label="Keys">
      <h2>Keys</h2>
      <dl class="in keylist">
        {keys.map(([names, does]) => (
          <div key={does}>
            <dt>
              {names.map((name) => (
                <kbd key={name}>{name}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog" class="row">
        <label class="check">
          <input
            type="checkbox"
            checked={areOn}
            onChange={({ currentTarget }) => {
              setSingleKeys(currentTarget.checked);
              setOn(currentTarget.checked);
            }}
          />
          single keys
        </label>
        <button type="submit" class="btn end">
          Close
        </button>
      </form>
    </Modal>
  );
}
