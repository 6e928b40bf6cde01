import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { actorIds, seedActors } from '../seed-actors.ts';
import { seedOrigins, seedSchedules } from '../seed-schedules.ts';
import { seedStops } from '../seed-stops.ts';
import { stage } from './open.ts';
import { pictureOf } from './take-picture.ts';

/*
 * Takes a picture of every page of the inspector, in both themes and three widths, from a store with a story:
 * npm run pictures -- [FOLDER [PAGES [WIDTHS]]], where PAGES is a regular expression: npm run pictures -- pictures '^queue' 1440
 */
const [folder = join('.signalbox', 'pictures'), only = '', widths = '390,900,1440'] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const open = await stage(undefined, { level: 'admin' });
await seedSchedules(open.seeded);
const origins = await seedOrigins(open.seeded);
const stopped = await seedStops(open.seeded);
const { failed, held, running, refused, waiting, succeeded } = open.seeded.ids;

const pages: readonly (readonly [name: string, hash: string, keys?: readonly string[], click?: string])[] = [
  ['overview', '#/overview'],
  ['overview-past', '#/overview?at=700'],
  ['jobs-waiting', '#/jobs?list=waiting'],
  ['jobs-held', '#/jobs?list=held'],
  ['jobs-failed', '#/jobs?list=failed'],
  ['jobs-retry-all', '#/jobs?list=failed&q=task:mail.*', [], 'Retry all…'],
  ['jobs-empty', '#/jobs?list=quarantined'],
  ['queues', '#/queues'],
  ['queue', '#/queues/default'],
  ['queue-mail', '#/queues/mail'],
  ['queue-pause', '#/queues/default', [], 'Pause…'],
  ['queue-paused', '#/queues/media'],
  ['schedules', '#/schedules'],
  ['schedule', `#/schedules/${encodeURIComponent('default/prices')}`],
  ['schedule-paused', `#/schedules/${encodeURIComponent('mail/newsletter')}`],
  ['schedule-put', `#/schedules/${encodeURIComponent('default/prices')}`, [], 'Put now…'],
  ['schedule-none', '#/schedules/none'],
  ['durable', '#/durable'],
  ['durable-approval', '#/durable?machine=purchase&status=active&state=approval'],
  ['durable-waiting', `#/durable/${encodeURIComponent(actorIds.waiting)}`],
  ['durable-paying', `#/durable/${encodeURIComponent(actorIds.paying)}`],
  ['durable-sending', `#/durable/${encodeURIComponent(actorIds.sending)}`],
  ['durable-parcel', `#/durable/${encodeURIComponent(actorIds.parcel)}`],
  ['durable-suspended', `#/durable/${encodeURIComponent(actorIds.suspended)}`],
  ['durable-skip', `#/durable/${encodeURIComponent(actorIds.suspended)}`, [], 'Skip…'],
  ['durable-done', `#/durable/${encodeURIComponent(actorIds.done)}`],
  ['durable-as-test', `#/durable/${encodeURIComponent(actorIds.paying)}`, [], 'Copy as test'],
  ['durable-reducer', `#/durable/${encodeURIComponent('stock/sku-17')}`],
  ['durable-none', '#/durable/none'],
  ['audit', '#/timeline?view=log&q=event:operator.acted'],
  ['queue-idle', '#/queues/media'],
  ['job-failed', `#/jobs/${failed}`],
  ['job-tagged', `#/jobs/${origins.tagged}`],
  ['job-as-test', `#/jobs/${failed}`, [], 'Copy as test'],
  ['job-retried', `#/jobs/${origins.retried}`],
  ['job-past', `#/jobs/${failed}`, ['ArrowLeft', 'ArrowLeft', 'd']],
  ['job-before', `#/jobs/${held}?at=20`],
  ['job-held', `#/jobs/${held}`],
  ['job-refused', `#/jobs/${refused}`],
  ['job-running', `#/jobs/${running}`],
  ['job-waiting', `#/jobs/${waiting}`],
  ['job-cancelling', `#/jobs/${stopped.cancelling}`],
  ['job-cancelled', `#/jobs/${stopped.cancelled}`],
  ['job-cancel', `#/jobs/${running}`, [], 'Cancel…'],
  ['job-timing-out', `#/jobs/${stopped.timingOut}`],
  ['job-put-off', `#/jobs/${stopped.putOff}`],
  ['job-succeeded', `#/jobs/${succeeded}`],
  ['job-callbacks', `#/jobs/${failed}?tab=callbacks`],
  ['job-sequence', `#/jobs/${failed}?tab=sequence`],
  ['timeline-log', '#/timeline?view=log'],
  ['timeline-log-past', '#/timeline?view=log&at=826'],
  ['timeline-none', '#/timeline?view=log&q=event:none'],
  ['timeline-sequence', `#/timeline?view=sequence&q=id:${failed}&at=824`],
  ['timeline-lanes', '#/timeline?view=lanes'],
  ['job-none', '#/jobs/none'],
  ['actors', '#/actors'],
  ['actors-agent', `#/actors/${encodeURIComponent(`agent:default/${open.seeded.box.uuid}/main`)}`],
  ['actors-supervisor', '#/actors/supervisor'],
  ['machines', '#/machines'],
  ['machines-way', '#/machines/job?way=active.running%7Cjob.reschedule%7Cnot+isCallback%7Cpending'],
  ['machines-representation', '#/machines/representation'],
  ['machines-agent', '#/machines/agent'],
  ['machines-outline', '#/machines', ['c']],
  ['go-to', '#/overview', ['Control+k']],
  ['keys', '#/overview', ['?']],
];

type Picture = (typeof pages)[number];

async function take(some: readonly Picture[]): Promise<void> {
  for (const theme of ['light', 'dark'] as const)
    for (const width of widths.split(',').map(Number))
      for (const [name, hash, keys, click] of some)
        writeFileSync(
          join(folder, `${name}-${width}-${theme}.png`),
          await pictureOf(open, { theme, width }, hash, keys, click),
        );
}

// The story of the actors takes minutes: the other pages are of the time before it.
const wanted = pages.filter(([name]) => new RegExp(only).test(name));
const isOfActors = ([name]: Picture): boolean => name.startsWith('durable');
await take(wanted.filter((page) => !isOfActors(page)));
if (wanted.some(isOfActors)) await seedActors(open.seeded);
await take(wanted.filter(isOfActors));
await open.close();
console.log(folder);
