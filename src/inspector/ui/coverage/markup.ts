import type { ComponentChildren, VNode } from 'preact';

/** Components as the text of a page that runs no code: for those that have no hooks. */
export function markup(children: ComponentChildren): string {
  if (Array.isArray(children)) return children.map(markup).join('');
  if (children === null || children === undefined || typeof children === 'boolean') return '';
  if (typeof children !== 'object') return escaped(String(children));
  const { type, props } = children as VNode<Record<string, unknown>>;
  if (typeof type === 'function') return markup((type as (given: unknown) => ComponentChildren)(props));
  const { children: inner, ...attributes } = props;
  const text = Object.entries(attributes).map(([name, value]) => attribute(name, value));
  const open = `<${type}${text.join('')}>`;
  return voids.has(type) ? open : `${open}${markup(inner as ComponentChildren)}</${type}>`;
}

const voids: ReadonlySet<string> = new Set(['meta', 'link', 'br', 'hr', 'input', 'img']);

function attribute(name: string, value: unknown): string {
  if (value === undefined || value === null || value === false || typeof value === 'function') return '';
  return value === true ? ` ${name}` : ` ${name}="${escaped(String(value))}"`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? '');
}
