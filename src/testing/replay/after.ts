import { type Duration, durationMs } from '../../index.ts';
import { invalid } from '../check-options.ts';

/** How long after its beginning something happens in a story: `'+0s'`, `'+1h30m'`. */
export type After = `+${string}`;

/** Milliseconds of such a text. @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`. */
export function afterMs(after: unknown, option: string): number {
  if (typeof after !== 'string' || !after.startsWith('+'))
    throw invalid(option, "how long after the beginning, such as '+4s'", String(after));
  return durationMs(after.slice(1) as Duration, option);
}

/** Refuses a story whose steps do not follow each other. Gives the instants of its steps, as milliseconds after its beginning. */
export function checkStory(story: unknown): readonly number[] {
  if (!Array.isArray(story))
    throw invalid('story', "a list of steps, such as [['+0s', event]]", String(story));
  const times = story.map((step: unknown, index) => {
    if (!Array.isArray(step) || step.length !== 2)
      throw invalid(`story[${index}]`, "what happens and when, such as ['+0s', event]", String(step));
    return afterMs(step[0], `story[${index}][0]`);
  });
  times.forEach((at, index) => {
    const before = times[index - 1] ?? 0;
    if (at < before)
      throw invalid(
        `story[${index}][0]`,
        'no earlier than the step before it',
        String((story[index] as readonly unknown[])[0]),
      );
  });
  return times;
}
