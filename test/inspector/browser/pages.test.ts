import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actorIds, seedActors } from '../seed-actors.ts';
import { seedSchedules } from '../seed-schedules.ts';
import { axe, barriersOf, colourRules } from './barriers.ts';
import { type Look, type Stage, stage, turnTo, type Watched } from './open.ts';

let open: Stage;
const uuid = 'd10f3c52-8a61-4f5e-9a0b-6c1d2e3f4a5b';

beforeAll(async () => {
  open = await stage();
  await seedSchedules(open.seeded);
  await seedActors(open.seeded);
});
afterAll(() => open?.close());

/** Every page, by the part of the address behind #. */
const pages: readonly (readonly [name: string, hash: (ids: Stage['seeded']['ids']) => string])[] = [
  ['the overview', () => '#/overview'],
  ['the overview of an earlier moment', () => '#/overview?at=700'],
  ['the jobs that had failed at an earlier moment', () => '#/jobs?list=failed&at=500'],
  ['the jobs that wait', () => '#/jobs?list=waiting'],
  ['the jobs that failed', () => '#/jobs?list=failed'],
  ['a list that is empty', () => '#/jobs?list=quarantined'],
  ['the queues', () => '#/queues'],
  ['a queue with a full quota', () => '#/queues/default'],
  ['a queue in which nothing waits', () => '#/queues/media'],
  ['a queue at an earlier moment', () => '#/queues/default?at=700'],
  ['a queue that does not exist', () => '#/queues/none'],
  ['the schedules', () => '#/schedules'],
  ['a schedule', () => `#/schedules/${encodeURIComponent('default/import')}`],
  ['a schedule that is paused', () => `#/schedules/${encodeURIComponent('mail/newsletter')}`],
  ['a schedule that does not exist', () => '#/schedules/none'],
  ['the durable actors', () => '#/durable'],
  ['the durable actors in one state', () => '#/durable?machine=purchase&status=active&state=approval'],
  ['a durable actor that waits', () => `#/durable/${encodeURIComponent(actorIds.waiting)}`],
  ['a durable actor that is suspended', () => `#/durable/${encodeURIComponent(actorIds.suspended)}`],
  ['a durable actor with children', () => `#/durable/${encodeURIComponent(actorIds.sending)}`],
  ['a durable actor at an earlier moment', () => `#/durable/${encodeURIComponent(actorIds.sending)}?at=1320`],
  ['a durable actor that does not exist', () => '#/durable/none'],
  ['a job that failed', ({ failed }) => `#/jobs/${failed}`],
  ['a job at an earlier moment', ({ failed }) => `#/jobs/${failed}?at=800`],
  ['a job that was not there yet', ({ held }) => `#/jobs/${held}?at=20`],
  ['a job that a quota holds', ({ held }) => `#/jobs/${held}`],
  ['a job that no agent accepts', ({ refused }) => `#/jobs/${refused}`],
  ['a job that runs', ({ running }) => `#/jobs/${running}?tab=raw`],
  ['a job that waits for another', ({ waiting }) => `#/jobs/${waiting}?tab=annotations`],
  ['the callbacks of a job', ({ failed }) => `#/jobs/${failed}?tab=callbacks`],
  ['the sequence of a job', ({ failed }) => `#/jobs/${failed}?tab=sequence`],
  ['the log of the timeline', () => '#/timeline?view=log'],
  ['an entry on the timeline', () => '#/timeline?view=log&at=826'],
  ['a log without entries', () => '#/timeline?q=event:none'],
  ['a sequence on the timeline', ({ failed }) => `#/timeline?view=sequence&q=id:${failed}&at=824`],
  ['the lanes of the timeline', () => '#/timeline?view=lanes'],
  ['a job that does not exist', () => '#/jobs/none'],
  ['the dispatcher of this process', () => '#/actors'],
  ['the supervisor', () => '#/actors/supervisor'],
  ['an agent with what it holds', () => `#/actors/${encodeURIComponent(`agent:default/${uuid}/main`)}`],
  ['an actor that does not exist', () => '#/actors/none'],
  ['the machines', () => '#/machines'],
  [
    'a way that jobs took',
    () => '#/machines/job?way=active.running%7Cjob.reschedule%7Cnot+isCallback%7Cpending',
  ],
  ['a live machine', () => '#/machines/agent'],
  ['a machine that does not exist', () => '#/machines/none'],
];
const looks: readonly Look[] = [390, 900, 1440].flatMap((width) => [
  { width, theme: 'light' as const },
  { width, theme: 'dark' as const },
]);

describe.each(pages)('%s', (_, hash) => {
  let watched: Watched;
  beforeAll(async () => {
    watched = await open.open(hash(open.seeded.ids));
    await watched.page.evaluate(axe);
  });
  afterAll(() => watched?.page.close());

  it.each(looks)(
    'has no barrier, complains of nothing and stays at home: $width wide, $theme',
    async (look) => {
      const { page, complaints, asked } = watched;
      await turnTo(page, look);

      // A theme changes colours alone.
      const barriers = await (look.theme === 'dark' ? barriersOf(page, colourRules) : barriersOf(page));
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

      const origin = new URL(open.listening.url).origin;
      expect(barriers).toEqual([]);
      expect(complaints.filter((text) => !/status of 404/.test(text))).toEqual([]);
      expect(sideways).toBeLessThanOrEqual(0);
      expect(asked.filter((url) => !url.startsWith(`${origin}/`))).toEqual([]);
    },
  );
});

it.each(pages.filter(([name]) => /overview|failed/.test(name)))(
  '%s has no barrier in forced colours',
  async (_, hash) => {
    const { page } = await open.open(hash(open.seeded.ids), { forcedColors: true });
    await page.evaluate(axe);

    const barriers = await barriersOf(page);
    await page.close();

    expect(barriers).toEqual([]);
  },
);
