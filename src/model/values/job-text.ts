import type { Json } from '../../../machines/json.ts';
import { codedKey } from './values.ts';

const callLimit = 1000;

/**
 * The call of a job as text: `multiply(14, 3)`. Never throws. Many lines of the log contain it, so it only counts the
 * arguments beyond 1,000 characters: a joined job may have thousands.
 */
function callText(name: string, args: readonly Json[]): string {
  let text = '';
  for (const [index, arg] of args.entries()) {
    if (index > 0) text += ', ';
    text += valueText(arg);
    if (text.length <= callLimit) continue;
    const remaining = args.length - 1 - index;
    return `${name}(${text.slice(0, callLimit).toWellFormed()}…${remaining > 0 ? ` and ${remaining} more` : ''})`;
  }
  return `${name}(${text})`;
}

/**
 * Returns a job as text: `<Job (id abc, store 'main') multiply(14, 3)>`; `?` for an id or a store that it does
 * not have yet.
 */
export function jobText(job: {
  id: string | null;
  store: string | null;
  name: string;
  args: readonly Json[];
}): string {
  const store = job.store === null ? '?' : `'${job.store}'`;
  return `<Job (id ${job.id ?? '?'}, store ${store}) ${callText(job.name, job.args)}>`;
}

/** A job as messages of the log name it, without its arguments. */
export function jobLabel({ id, name }: { readonly id: string | null; readonly name: string }): string {
  return `${name} ${id ?? '?'}`;
}

/** How many jobs a message names. */
const mostNamed = 3;

/** Several jobs, as a message names them: the first, and how many more there are. */
export function jobsLabel(jobs: readonly { readonly id: string; readonly name: string }[]): string {
  const named = jobs.slice(0, mostNamed).map(jobLabel).join(', ');
  return jobs.length > mostNamed ? `${named} and ${jobs.length - mostNamed} more` : named;
}

/** A number of jobs, for a message. */
export function jobCount(count: number): string {
  return `${count} ${count === 1 ? 'job' : 'jobs'}`;
}

/**
 * Returns a value as text in one line: text in quotes, references as the job that they name, everything else as
 * JSON.
 */
export function valueText(value: Json | undefined): string {
  if (typeof value === 'string') return `'${value.replaceAll('\n', '\\n')}'`;
  if (value !== null && typeof value === 'object' && '$job' in value)
    return `<Job (id ${String(value.$job)})>`;
  if (value !== null && typeof value === 'object' && codedKey in value) return '<encoded>';
  return JSON.stringify(value) ?? 'null';
}
