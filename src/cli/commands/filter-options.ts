import type { JobsFilter, Json } from '../../index.ts';
import { type CommandOption, UsageError } from '../command.ts';

/** The options that say which jobs are meant. */
export const filterOptions: readonly CommandOption[] = [
  { flags: '--queue <queue>', summary: 'jobs of one queue' },
  {
    flags: '--status <statuses>',
    summary: 'NEW, PENDING, ASSIGNED, ACTIVE, CALLBACKS, COMPLETED; several with commas',
  },
  {
    flags: '--ending <endings>',
    summary: 'succeeded, failed, aborted, expired, cancelled; several with commas',
  },
  { flags: '--job <patterns>', summary: "names of definitions: 'mail.*'; several with commas" },
  { flags: '--tag <tag>', summary: 'jobs with a tag' },
  { flags: '--key <limit/key>', summary: 'jobs with a key of a limit' },
  { flags: '--schedule <queue/name>', summary: 'jobs that a schedule put' },
  { flags: '--since <time>', summary: 'put then or later: 2h (ago), or an instant with an offset' },
  { flags: '--until <time>', summary: 'put before then' },
  { flags: '--error <pattern>', summary: "name, code or message of the failure: 'ECONN*'" },
  { flags: '--args <path=value...>', summary: 'values among the arguments: 0.tenant=acme 1=3' },
];

type Given = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The filter that options say; null: none was given. */
export function filterOf(given: Given): JobsFilter | null {
  const { queue, tag, schedule, since, until, error, status, ending, job, key, args } = given;
  const filter = Object.fromEntries(
    Object.entries({
      ...{ queue, tag, schedule, since, until, error },
      ...{ status: listOf(status), ending: listOf(ending), job: listOf(job) },
      key: key === undefined ? undefined : keyOf(String(key)),
      args: args === undefined ? undefined : argsOf(args),
    }).filter(([, value]) => value !== undefined),
  );
  return Object.keys(filter).length === 0 ? null : (filter as JobsFilter);
}

function listOf(text: Given[string]): readonly string[] | undefined {
  return text === undefined ? undefined : String(text).split(',');
}

/** The name of a limit has no slash, a key may have some. */
export function keyOf(text: string): readonly [limit: string, key?: string] {
  const slash = text.indexOf('/');
  return slash < 0 ? [text] : [text.slice(0, slash), text.slice(slash + 1)];
}

function argsOf(texts: string | readonly string[]): Readonly<Record<string, Json>> {
  const pairs = [texts].flat().map((text) => {
    const equals = text.indexOf('=');
    if (equals < 1)
      throw new UsageError(`Expected --args to be PATH=VALUE, such as 0.tenant=acme, got ${text}.`);
    return [text.slice(0, equals), jsonOrText(text.slice(equals + 1))] as const;
  });
  return Object.fromEntries(pairs);
}

/** JSON, or text. */
function jsonOrText(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
