import { eventWords } from '../actors/event-words.ts';
import type { ActorStory } from '../replay/actor-story.ts';
import type { JobLife } from '../replay/job-life.ts';
import type { ToldDeed, ToldJob } from '../replay/told-job.ts';

const most = 5;
const longest = 60;

/** What happened to an actor, for the name of a test. */
export function actorWords({ happened, states }: ActorStory): string {
  return `${listed(happened.map(({ event }) => eventWords(event)))}${states.at(-1) ? `, and it was ${states.at(-1)}` : ''}`;
}

/** What happened to a job, for the name of a test. */
export function jobWords({ last }: JobLife, { story }: ToldJob): string {
  const end = last.ending === null ? `and it was ${last.state}` : `and it ${endingWords[last.ending]}`;
  return [listed(story.flatMap(([, deed]) => deedWords(deed))), end].filter((each) => each !== '').join(', ');
}

const endingWords = {
  succeeded: 'succeeded',
  failed: 'failed',
  aborted: 'was given up',
  expired: 'expired',
  cancelled: 'was cancelled',
} as const;

function deedWords(deed: ToldDeed): readonly string[] {
  if (deed === 'claim' || deed === 'return') return [];
  if (deed === 'stop') return ['it stopped'];
  if (deed === 'hand on') return ['it was handed on'];
  if ('throw' in deed) return [`it threw ${clipped(deed.throw.message || deed.throw.name)}`];
  if ('kill' in deed) return ['its process was killed'];
  if ('snooze' in deed) return ['it put itself off'];
  return ['cancel' in deed ? 'it was told to stop' : 'it was made to fail'];
}

/** Each in its turn; what happens again and again once. */
function listed(words: readonly string[]): string {
  const runs: [string, number][] = [];
  for (const word of words) {
    const run = runs.at(-1);
    if (run?.[0] === word) run[1] += 1;
    else runs.push([word, 1]);
  }
  const texts = runs.map(([word, count]) => (count === 1 ? word : `${word} ${count} times`));
  if (texts.length <= most) return texts.join(', ');
  return [...texts.slice(0, most - 2), `${texts.length - most + 1} more`, ...texts.slice(-1)].join(', ');
}

function clipped(text: string): string {
  const [line = ''] = text.split('\n');
  return `"${line.length > longest ? `${line.slice(0, longest)}…` : line}"`;
}
