import type { Tree } from '../inspector/protocol/tree.ts';

/** A value as one line: JSON, with what is hidden or left out in angle brackets. */
export function treeText(tree: Tree): string {
  switch (tree.is) {
    case 'null':
      return 'null';
    case 'boolean':
      return `${tree.value}`;
    case 'number':
      return typeof tree.value === 'number' ? `${tree.value}` : tree.value.$n;
    case 'text':
      return JSON.stringify(tree.text) + leftOut(tree.more, 'characters');
    case 'list':
      return `[${listed(tree.items.map(treeText), tree.more, 'elements')}]`;
    case 'object':
      return `{${listed(
        tree.entries.map(([key, value]) => `${JSON.stringify(key)}:${treeText(value)}`),
        tree.more,
        'keys',
      )}}`;
    case 'job':
      return `<job ${tree.id}>`;
    case 'hidden':
      return `<${tree.why}>`;
    default:
      return '<nested deeper>';
  }
}

function listed(parts: readonly string[], more: number, what: string): string {
  return [...parts, ...(more > 0 ? [leftOut(more, what)] : [])].join(',');
}

function leftOut(more: number, what: string): string {
  return more > 0 ? `<${more} more ${what}>` : '';
}
