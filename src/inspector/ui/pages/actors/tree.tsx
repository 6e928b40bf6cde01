import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { go } from '../../app-state.ts';
import { durationText, numberText, processName, shortId } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { jobHash, jobsHash, pageHash } from '../../route.ts';
import { lookOf, type StateLook } from '../../state.ts';
import { agentLook, dispatcherLook, machineLook } from './looks.ts';
import { PollStrip } from './poll-strip.tsx';
import { type TreeItem, treeKey } from './tree-items.ts';

/** The tree is the navigation: arrows move, Enter opens. */
export function Tree(props: {
  readonly items: readonly TreeItem[];
  readonly chosen: string | null;
  /** What was measured grows until the next answer. */
  readonly sinceMs: number;
  readonly now: number;
  readonly fold: (id: string, isOpen: boolean) => void;
}) {
  const { items, chosen, sinceMs, now, fold } = props;
  const [focused, setFocused] = useState<string | null>(null);
  const lines = useRef(new Map<string, HTMLDivElement>());
  // One line takes the focus: that of the tree, or the chosen one, or the first.
  const stop = [focused, chosen].find((id) => items.some((item) => item.id === id)) ?? items[0]?.id ?? '';
  const move = (id: string): void => {
    setFocused(id);
    lines.current.get(id)?.focus();
  };
  useUnfocus(items, focused, move);
  const isThere = items.some(({ id }) => id === chosen);
  useEffect(() => {
    if (chosen !== null) lines.current.get(chosen)?.scrollIntoView({ block: 'nearest' });
  }, [chosen, isThere]);
  const keydown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = items.find(({ id }) => id === stop);
    const done = treeKey(event.key, items, stop);
    if ((event.key === 'Enter' || event.key === ' ') && item !== undefined) go(hashOf(item));
    else if (done === null) return;
    else if ('focus' in done) move(done.focus);
    else fold(done.fold, done.isOpen);
    event.preventDefault();
    // Arrows also step through time: not from here.
    event.stopPropagation();
  };
  return (
    <div class="tree" role="tree" aria-label="Actors">
      {items.map((item) => (
        <Line
          key={item.id}
          item={item}
          isChosen={item.id === chosen}
          isStop={item.id === stop}
          sinceMs={sinceMs}
          now={now}
          keep={(element) => {
            if (element === null) lines.current.delete(item.id);
            else lines.current.set(item.id, element);
          }}
          focus={() => setFocused(item.id)}
          keydown={keydown}
          fold={fold}
        />
      ))}
    </div>
  );
}

/** The focus of a line that is gone, such as that of a job that is over, goes to the line above. */
function useUnfocus(items: readonly TreeItem[], focused: string | null, move: (id: string) => void): void {
  const before = useRef<readonly TreeItem[]>(items);
  useEffect(() => {
    const at = before.current.findIndex(({ id }) => id === focused);
    before.current = items;
    const isGone = focused !== null && at >= 0 && !items.some(({ id }) => id === focused);
    const next = items[Math.min(at, items.length - 1)];
    if (isGone && next !== undefined && document.activeElement === document.body) move(next.id);
  });
}

function Line(props: {
  readonly item: TreeItem;
  readonly isChosen: boolean;
  readonly isStop: boolean;
  readonly sinceMs: number;
  readonly now: number;
  readonly keep: (element: HTMLDivElement | null) => void;
  readonly focus: () => void;
  readonly keydown: (event: KeyboardEvent) => void;
  readonly fold: (id: string, isOpen: boolean) => void;
}) {
  const { item, isChosen, isStop, keep, focus, keydown, fold } = props;
  const { id, level, isOpen, what } = item;
  const { title, look, fig, isLate } = textsOf(item, props.sinceMs, props.now);
  const cells = what.is === 'dispatcher' ? what.of.polls : [];
  return (
    <>
      <div
        ref={keep}
        role="treeitem"
        aria-level={level}
        aria-expanded={isOpen ?? undefined}
        aria-selected={isChosen}
        tabIndex={isStop ? 0 : -1}
        onFocus={focus}
        onKeyDown={keydown}
        onClick={() => go(hashOf(item))}
      >
        <div class={`t l${level}`}>
          <span
            class="tw"
            aria-hidden="true"
            onClick={(event) => {
              if (isOpen === null) return;
              event.stopPropagation();
              fold(id, !isOpen);
            }}
          >
            {isOpen === null ? '' : <Twisty isOpen={isOpen} />}
          </span>
          {level === 4 && look !== null && (
            <span class={`st st-${look.glyph}`}>
              <Glyph name={look.glyph} />
              <span class="unseen">{look.word}</span>
            </span>
          )}
          <span class="cut">{title}</span>
          {level !== 4 && look !== null && (
            <span class={`st st-${look.glyph}`}>
              <Glyph name={look.glyph} />
              {look.word}
            </span>
          )}
          <span class={isLate ? 'fig fails' : 'fig'}>{fig}</span>
        </div>
      </div>
      {cells.length > 0 && (
        <div class="pollrow" role="none">
          <PollStrip cells={cells} pitch={5} count={62} />
        </div>
      )}
    </>
  );
}

function Twisty({ isOpen }: { readonly isOpen: boolean }) {
  return (
    <svg viewBox="0 0 8 8" aria-hidden="true">
      <path d={isOpen ? 'M0 2h8L4 7z' : 'M2 0v8l5-4z'} />
    </svg>
  );
}

interface Texts {
  readonly title: ComponentChildren;
  readonly look: StateLook | null;
  readonly fig: string;
  readonly isLate: boolean;
}

function textsOf({ what }: TreeItem, sinceMs: number, now: number): Texts {
  const quiet = { fig: '', isLate: false };
  if (what.is === 'supervisor') return { ...quiet, title: <b>supervisor</b>, look: machineLook(what.state) };
  if (what.is === 'more')
    return {
      ...quiet,
      title: <span class="quiet">{numberText(what.count)} more, not named here</span>,
      look: null,
    };
  if (what.is === 'job') {
    const { id, name, state, ending, forMs } = what.of;
    const title = (
      <>
        <span class="quiet">{shortId(id, 6)}</span> {name}
      </>
    );
    const grows = state === 'active.running' || state === 'active.waiting' || state === 'callbacks';
    const fig = forMs === null ? '–' : durationText(forMs + (grows ? sinceMs : 0));
    return { title, look: lookOf(state, ending), fig, isLate: false };
  }
  if (what.is === 'agent') {
    const { name, queue, held, size } = what.of;
    const title = (
      <>
        agent <b>{name}</b> <span class="faint">{queue === '' ? "''" : queue}</span>
      </>
    );
    return { ...quiet, title, look: agentLook(what.of), fig: `${numberText(held)}/${numberText(size)}` };
  }
  const { uuid, state, health, pollAgeMs, pollIntervalMs, lastSignAt } = what.of;
  const name = `dispatcher ${processName(uuid)}`;
  const title = state === null ? <span class="quiet">{name}</span> : <b>{name}</b>;
  const look = dispatcherLook(what.of);
  if (health === 'STUCK' && pollAgeMs !== null)
    return {
      title,
      look,
      fig: `+${durationText(pollAgeMs - (pollIntervalMs ?? 0) + sinceMs)}`,
      isLate: true,
    };
  const age = pollAgeMs === null ? (lastSignAt === null ? null : now - lastSignAt) : pollAgeMs + sinceMs;
  return { title, look, fig: age === null ? '' : durationText(age), isLate: false };
}

function hashOf({ id, what }: TreeItem): string {
  if (what.is === 'job') return jobHash(what.of.id);
  if (what.is === 'more') return jobsHash('held', what.queue);
  return pageHash('actors', id);
}
