import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

export interface Tab {
  readonly name: string;
  readonly label: string;
  /** Beside the label: a count, or a sign. */
  readonly note: string | null;
  readonly isBad?: boolean;
}

/** Tabs that show one of several panels. Arrows move between them. */
export function Tabs(props: {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly chosen: string;
  readonly choose: (name: string) => void;
  readonly children: ComponentChildren;
}) {
  const { tabs, chosen, choose } = props;
  const list = useRef<HTMLDivElement>(null);
  const move = (by: number): void => {
    const index = tabs.findIndex(({ name }) => name === chosen);
    const next = (index + by + tabs.length) % tabs.length;
    choose(tabs[next]?.name ?? chosen);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <>
      <div
        class="tabs"
        role="tablist"
        aria-label={props.label}
        ref={list}
        onKeyDown={({ key }) => {
          if (key === 'ArrowRight') move(1);
          if (key === 'ArrowLeft') move(-1);
        }}
      >
        {tabs.map(({ name, label, note, isBad }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-controls="tab-panel"
            aria-selected={name === chosen}
            tabIndex={name === chosen ? 0 : -1}
            onClick={() => choose(name)}
          >
            {label}
            {note !== null && <span class={isBad === true ? 'n fails' : 'n'}>{note}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${chosen}`} class="panel">
        {props.children}
      </div>
    </>
  );
}
