import type { Json } from '../../machines/json.ts';

/** The call of a job as text: `multiply(14, 3)`. Never throws. */
function callText(name: string, args: readonly Json[]): string {
  return `${name}(${args.map(valueText).join(', ')})`;
}

/** A job as text: `<Job (id abc, store 'main') multiply(14, 3)>`; `?` for what it does not have yet. */
export function jobText(job: {
  id: string | null;
  store: string | null;
  name: string;
  args: readonly Json[];
}): string {
  const store = job.store === null ? '?' : `'${job.store}'`;
  return `<Job (id ${job.id ?? '?'}, store ${store}) ${callText(job.name, job.args)}>`;
}

/** A value as text: text in quotes, everything else as JSON, references as the job they name. */
export function valueText(value: Json | undefined): string {
  if (typeof value === 'string') return `'${value}'`;
  if (value !== null && typeof value === 'object' && '$job' in value)
    return `<Job (id ${String(value.$job)})>`;
  return JSON.stringify(value) ?? 'null';
}
