import type { Json } from '../../../machines/json.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import { type ActorStory, actorStory } from '../replay/actor-story.ts';
import { afterText } from '../replay/after-text.ts';
import { toldFailure } from '../replay/told-job.ts';
import { codeOf, commentOf, programValue, usesFailure } from './code.ts';
import { type Import, importOf } from './imports.ts';
import { actorWords } from './words.ts';

/** What may be shown of an actor. */
export interface ActorShowing {
  value(value: Json): Json;
  carried(arg: Json): Json;
  text(text: string): string;
  /** Notes for the head of the file. */
  readonly notes: readonly string[];
}

/** The test of the last life of an actor. */
export function actorFile(
  entries: readonly HistoryEntry[],
  from: Import | null,
  showingOf: (actor: ActorRecord) => ActorShowing,
): string {
  const story = actorStory(entries);
  const showing = showingOf(story.last);
  const { id, at, states, last } = story;
  const { name, line } = importOf(from, story.machine);
  const told = toldActor(story, showing);
  const output =
    last.status === 'done' && last.output !== null ? programValue(showing.value(last.output)) : undefined;
  const checks = [
    `  // As it went; change it to how it should have gone.`,
    `  expect(run.states).toEqual(${codeOf(states, '  ')});`,
    `  expect(run.status).toBe(${codeOf(last.status)});`,
    ...(output === undefined ? [] : [`  expect(run.snapshot.output).toEqual(${codeOf(output, '  ')});`]),
  ];
  const test = [
    `test(${codeOf(showing.text(`${id}: ${actorWords(story)}`))}, async () => {`,
    `  const run = await replay(${name}, ${codeOf(told, '  ')});`,
    '',
    ...checks,
    '});',
  ].join('\n');
  const hasHash = story.happened.some(
    ({ arg }) => typeof arg === 'object' && arg !== null && '$sha256' in arg,
  );
  const notes = [
    `${id}, entries ${story.from.seq} to ${story.to.seq}, ${new Date(at).toISOString().slice(0, 10)}.`,
    ...showing.notes,
    ...(hasHash
      ? ['An event was too large to be kept whole: put what it carried where `$sha256` stands.']
      : []),
  ];
  return [
    ...notes.map((note) => `// ${commentOf(note)}`),
    ...(usesFailure(test) ? [`import { Failure } from 'signalbox';`] : []),
    `import { replay } from 'signalbox/testing';`,
    `import { expect, test } from 'vitest';`,
    ...line,
    '',
    `${test}\n`,
  ].join('\n');
}

function toldActor(story: ActorStory, showing: ActorShowing): object {
  const { at, input, begun, happened, timers, until } = story;
  return {
    at: new Date(at).toISOString(),
    ...(input !== undefined && { input: programValue(showing.value(input)) }),
    ...(begun !== null && { snapshot: snapshotOf(begun, showing) }),
    ...(timers === 'told' && { timers }),
    story: happened.map(({ after, event, arg }) => [
      afterText(after),
      { type: event, ...carriedBy(event, arg, showing) },
    ]),
    ...(until > (happened.at(-1)?.after ?? 0) && { until: afterText(until) }),
  };
}

function carriedBy(event: string, arg: Json | undefined, showing: ActorShowing): object {
  if (arg === undefined || arg === null || typeof arg !== 'object') return {};
  const shown = showing.carried(arg);
  // Nothing of it may be shown.
  if (typeof shown !== 'object' || shown === null) return { value: shown };
  if (!/^xstate\.(done|error)\.actor\./.test(event)) return programValue(shown) as object;
  // Its type says whose outcome it is.
  const { error, actorId: _actorId, ...rest } = shown as { readonly [key: string]: Json };
  if (typeof error !== 'object' || error === null) return programValue(rest) as object;
  return { ...(programValue(rest) as object), error: programValue(toldFailure(error as never) as never) };
}

/** Where the last life of a child began: what its parent gave it is not in its history. */
function snapshotOf(record: ActorRecord, showing: ActorShowing): object {
  const { state, history, timers, children } = record;
  const context: [string, Json][] = [];
  for (const [key, value] of Object.entries(record))
    if (key.startsWith('c:')) context.push([key.slice(2), value as Json]);
  const given = context.length === 1 && context[0]?.[0] === '' ? context[0][1] : Object.fromEntries(context);
  const shownTimers = Object.entries(timers ?? {}).map(([id, [dueAt, seq, event, to]]) => [
    id,
    [dueAt, seq, showing.value(event), to],
  ]);
  return {
    ...{ state, context: programValue(showing.value(given)) },
    ...{ history, timers: timers === null ? null : Object.fromEntries(shownTimers), children },
  };
}
