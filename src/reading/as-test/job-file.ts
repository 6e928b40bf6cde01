import { newJobContext } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import { type JobLife, jobLife } from '../replay/job-life.ts';
import type { JobStep } from '../replay/job-steps.ts';
import { type ToldJob, toldJob } from '../replay/told-job.ts';
import { codeOf, commentOf, programValue, usesFailure } from './code.ts';
import { checkImport, type Import } from './imports.ts';
import { jobWords } from './words.ts';

/** The test of the life of a job. Its entries hold what may be shown. */
export function jobFile(
  entries: readonly HistoryEntry[],
  from: Import | null,
  notes: readonly string[],
): string {
  if (from !== null) checkImport(from);
  const story = jobLife(entries);
  const same = { failure: (each: never) => each, reason: (text: string) => text };
  const told = toldJob(story, { ...same, args: story.put.args } as never);
  const { name, at } = story;
  const head = [
    `${name} ${story.id}, entries ${story.from.seq} to ${story.to.seq}, ${new Date(at).toISOString().slice(0, 10)}.`,
    ...notes,
    ...story.alone.map(
      (what) => `Only its events are here: ${what}, which a job on its own does not go through again.`,
    ),
  ];
  const isLed = story.alone.length === 0;
  const body = [...(isLed ? [definitionOf(story, from), storyTest(story, told)] : []), chartTest(story)].join(
    '\n\n',
  );
  const names = [...(usesFailure(body) ? ['Failure'] : []), ...(isLed ? ['defineJob'] : [])];
  return [
    ...head.map((note) => `// ${commentOf(note)}`),
    ...(names.length === 0 ? [] : [`import { ${names.sort().join(', ')} } from 'signalbox';`]),
    `import { type JobEvent, jobMachine, newJobContext } from 'signalbox/machines';`,
    `import { compileChart${isLed ? ', replay' : ''} } from 'signalbox/testing';`,
    `import { expect, test } from 'vitest';`,
    '',
    `${body}\n`,
  ].join('\n');
}

function definitionOf({ name, last, limit }: JobLife, from: Import | null): string {
  const value = last.outcome?.ok === true ? programValue(last.outcome.value) : null;
  const result = codeOf(value);
  const heartbeat = limit?.what === 'heartbeat' ? `, heartbeat: ${limit.ms}` : '';
  const module =
    from === null ? `{ … } from '../src/jobs.ts'` : `{ ${from.name} as job } from ${codeOf(from.module)}`;
  return [
    `// The real job goes here, instead of the next line: import ${module};`,
    `const job = defineJob({ name: ${codeOf(name)}${heartbeat}, run: (..._args: never[]) => ${result.startsWith('{') ? `(${result})` : result} });`,
  ].join('\n');
}

function storyTest(story: JobLife, told: ToldJob): string {
  const given = { ...told, args: told.args.map(programValue) };
  const deeds = given.story.map(([after, deed]) => [after, programValue(deed as Json)]);
  return [
    `test(${codeOf(`${story.name}: ${jobWords(story, told)}`)}, async () => {`,
    `  const run = await replay(job, ${codeOf({ ...given, story: deeds }, '  ')});`,
    '',
    '  // As it went; change it to how it should have gone.',
    `  expect(run.states).toEqual(${codeOf(story.states, '  ')});`,
    `  expect(run.ending).toBe(${codeOf(story.last.ending)});`,
    '});',
  ].join('\n');
}

/** The events of its history as the chart of jobs takes them. Values are stored ones here. */
function chartTest({ name, steps }: JobLife): string {
  const rows = steps.flatMap(({ event, after, patch }) =>
    event === null ? [] : [[event, after.state, patch]],
  );
  return [
    '/** Each event, the state after it, and what it changed. */',
    `const history: readonly (readonly [JobEvent, string, object | null])[] = ${codeOf(rows)};`,
    '',
    `test(${codeOf(`${name}: the chart of jobs gives this history`)}, () => {`,
    '  const chart = compileChart(jobMachine);',
    `  let context = newJobContext(${codeOf(beginning(steps), '  ')});`,
    `  let state = ${codeOf(steps[0]?.before.state ?? 'new')};`,
    '  for (const [event, to, patch] of history) {',
    '    const step = chart.step(state, context, event);',
    '    expect(step).toMatchObject({ moved: true, to, patch });',
    '    context = { ...context, ...patch };',
    '    state = to;',
    '  }',
    '});',
  ].join('\n');
}

/** What the job was made with, but for what is so of each new job. */
function beginning(steps: readonly JobStep[]): object {
  const first = steps.find(({ event }) => event !== null)?.before ?? (steps[0]?.after as JobRecord);
  const blank = newJobContext({ name: '' });
  const keys = Object.entries(blank).filter(([key, value]) => {
    const given = first[key as keyof typeof blank];
    return key === 'name' || JSON.stringify(given) !== JSON.stringify(value);
  });
  return Object.fromEntries(keys.map(([key]) => [key, first[key as keyof typeof blank]]));
}
