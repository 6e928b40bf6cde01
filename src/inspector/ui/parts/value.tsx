import { useState } from 'preact/hooks';
import type { FailureView, Tree } from '../../protocol/tree.ts';
import { numberText, shortId } from '../format.ts';
import { jobHash } from '../route.ts';

const inlineLength = 96;

/** A value as one text, as a program would write it. */
export function valueText(tree: Tree): string {
  switch (tree.is) {
    case 'null':
      return 'null';
    case 'boolean':
      return String(tree.value);
    case 'number':
      return typeof tree.value === 'number' ? String(tree.value) : tree.value.$n;
    case 'text':
      return `"${tree.text}"${moreText(tree.more)}`;
    case 'list':
      return `[${[...tree.items.map(valueText), ...moreItems(tree.more)].join(', ')}]`;
    case 'object': {
      const entries = tree.entries.map(([key, value]) => `${key}: ${valueText(value)}`);
      const all = [...entries, ...moreItems(tree.more)];
      return all.length === 0 ? '{}' : `{ ${all.join(', ')} }`;
    }
    case 'job':
      return `job ${tree.id}`;
    case 'hidden':
      return `hidden (${tree.why})`;
    case 'deep':
      return '…';
  }
}

function moreText(more: number): string {
  return more > 0 ? `… ${numberText(more)} more` : '';
}

function moreItems(more: number): readonly string[] {
  return more > 0 ? [`… ${numberText(more)} more`] : [];
}

/** A value: in one line when it fits, else as a tree that opens. */
export function Value({ tree, depth = 0 }: { readonly tree: Tree; readonly depth?: number }) {
  const isLeaf = tree.is !== 'list' && tree.is !== 'object';
  if (isLeaf || valueText(tree).length <= inlineLength) return <Inline tree={tree} />;
  return <Branch tree={tree} depth={depth} />;
}

/** A value in one line. */
export function Inline({ tree }: { readonly tree: Tree }) {
  if (tree.is === 'list')
    return (
      <>
        [
        {tree.items.map((item, index) => (
          <span key={index}>
            {index > 0 ? ', ' : ''}
            <Inline tree={item} />
          </span>
        ))}
        {tree.more > 0 ? `, … ${numberText(tree.more)} more` : ''}]
      </>
    );
  if (tree.is === 'object')
    return tree.entries.length + tree.more === 0 ? (
      <span>{'{}'}</span>
    ) : (
      <>
        {'{ '}
        {tree.entries.map(([key, value], index) => (
          <span key={key}>
            {index > 0 ? ', ' : ''}
            <span class="k">{key}</span>: <Inline tree={value} />
          </span>
        ))}
        {tree.more > 0 ? `, … ${numberText(tree.more)} more` : ''}
        {' }'}
      </>
    );
  if (tree.is === 'job')
    return (
      <a href={jobHash(tree.id)} title={tree.id}>
        job {shortId(tree.id)}
      </a>
    );
  if (tree.is === 'hidden')
    return <span class="faint">hidden{tree.why === 'redacted' ? '' : ` (${tree.why})`}</span>;
  return <span class={tree.is === 'text' ? 's' : 'v'}>{valueText(tree)}</span>;
}

function Branch({
  tree,
  depth,
}: {
  readonly tree: Tree & { is: 'list' | 'object' };
  readonly depth: number;
}) {
  const [isOpen, setOpen] = useState(depth < 2);
  const entries: readonly (readonly [string, Tree])[] =
    tree.is === 'object' ? tree.entries : tree.items.map((item, index) => [String(index), item]);
  return (
    <details class="branch" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {tree.is === 'list' ? 'list' : 'object'}{' '}
        <span class="faint">{numberText(entries.length + tree.more)}</span>
      </summary>
      {isOpen && <Entries entries={entries} more={tree.more} depth={depth + 1} />}
    </details>
  );
}

/** The values under their names. `more`: how many are not here. */
export function Entries({
  entries,
  more,
  depth,
}: {
  readonly entries: readonly (readonly [string, Tree])[];
  readonly more: number;
  readonly depth: number;
}) {
  return (
    <dl class="kv">
      {entries.map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>
            <Value tree={value} depth={depth} />
          </dd>
        </div>
      ))}
      {more > 0 && (
        <div>
          <dt>…</dt>
          <dd class="faint">{numberText(more)} more</dd>
        </div>
      )}
    </dl>
  );
}

/** An error: its own frames first, those of libraries folded. */
export function FailureBox({ failure }: { readonly failure: FailureView }) {
  const own = failure.frames.filter(({ isOwn }) => isOwn);
  const others = failure.frames.filter(({ isOwn }) => !isOwn);
  return (
    <div class="trace">
      <p class="msg">
        {failure.name}: {failure.message}
      </p>
      {own.map(({ text }, index) => (
        <p key={index} class="own">
          {text}
        </p>
      ))}
      {others.length > 0 && (
        <details>
          <summary class="lib">
            {others.length} library {others.length === 1 ? 'frame' : 'frames'}
          </summary>
          {others.map(({ text }, index) => (
            <p key={index} class="lib">
              {text}
            </p>
          ))}
        </details>
      )}
      {failure.cause !== null && (
        <div class="cause">
          <p class="label">Cause</p>
          <FailureBox failure={failure.cause} />
        </div>
      )}
    </div>
  );
}
