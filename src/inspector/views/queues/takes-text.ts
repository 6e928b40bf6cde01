import type { Selection } from '../../../model/records/records.ts';

/** What an agent accepts, in words: `all but report.*`. Values that a filter compares are data of the program: it names their paths. */
export function takesText(selection: Selection): string {
  if (selection.kind === 'any') return 'any job';
  if (selection.kind === 'filter') return `what filter '${selection.name}' accepts`;
  if (selection.kind === 'chooser') return `what chooser '${selection.name}' takes`;
  const { jobs, notJobs, quotas, args } = selection.filter;
  const but = notJobs === undefined ? '' : ` but ${jobs === undefined ? '' : 'not '}${notJobs.join(', ')}`;
  const named = jobs?.join(', ') ?? (but === '' ? 'any job' : 'all');
  const quota =
    quotas === undefined ? '' : ` with ${quotas.length === 1 ? 'quota' : 'quotas'} ${quotas.join(', ')}`;
  const paths = Object.keys(args ?? {});
  return `${named}${but}${quota}${paths.length === 0 ? '' : ` by argument ${paths.join(', ')}`}`;
}
