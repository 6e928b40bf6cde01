import type { ChangeView } from '../../protocol/job.ts';
import type { Tree } from '../../protocol/tree.ts';
import { clockText } from '../format.ts';
import { valueText } from './value.tsx';

const instants = new Set(['beginAfter', 'beginBy', 'activeStart', 'activeEnd', 'callbacksEnd']);

/** The change of one key: sign, key, before and after. */
export function Change({ change }: { readonly change: ChangeView }) {
  const { key, before, after } = change;
  const kind = before === null ? 'add' : after === null ? 'del' : 'chg';
  const [from, to] = [text(key, before), text(key, after)];
  return (
    <div class={kind}>
      <span class="sign">{kind === 'add' ? '+' : kind === 'del' ? '−' : '~'}</span>
      <span class="key cut" title={key}>
        {key}
      </span>
      <span class="val" title={`${from} → ${to}`}>
        {before !== null && (
          <>
            <del>{from}</del> →{' '}
          </>
        )}
        <ins>{to}</ins>
      </span>
    </div>
  );
}

function text(key: string, tree: Tree | null): string {
  if (tree === null) return 'null';
  if (instants.has(key) && tree.is === 'number' && typeof tree.value === 'number')
    return clockText(tree.value, true);
  return valueText(tree);
}
