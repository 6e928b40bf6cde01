import { useRef } from 'preact/hooks';
import { useKeys } from '../keys.ts';

/** The field for a filter in words, which `/` leads to. */
export function FilterField(props: {
  readonly words: string;
  /** Words that it knows. */
  readonly example: string;
  readonly change: (words: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useKeys({ '/': () => input.current?.focus() });
  return (
    <label class="field">
      <b aria-hidden="true">/</b>
      <input
        ref={input}
        aria-label="Filter"
        spellcheck={false}
        autocomplete="off"
        placeholder={props.example}
        value={props.words}
        onChange={({ currentTarget }) => props.change(currentTarget.value.trim())}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          // It leaves the field, and not the moment.
          event.stopPropagation();
          event.currentTarget.blur();
        }}
      />
    </label>
  );
}
