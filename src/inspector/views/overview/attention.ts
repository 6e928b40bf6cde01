import { durationText } from '../../../time.ts';
import type { ExplanationView } from '../../protocol/explanation.ts';
import type { AttentionItem, LinkTarget, OverviewView, TextPart } from '../../protocol/overview.ts';

/** What the rules look at. */
export interface AttentionFacts
  extends Pick<OverviewView, 'queues' | 'dispatchers' | 'heldLongest' | 'failing'> {
  readonly now: number;
  readonly quarantined: number;
  /** How many actors of each machine are suspended, and one of them. */
  readonly suspended: readonly { readonly machine: string; readonly n: number; readonly first: string }[];
  /** Why the first job of a queue waits, by queue. */
  readonly firstWaiting: ReadonlyMap<string, ExplanationView>;
}

/** One thing to look for. What it finds needs a person. */
interface Rule {
  readonly name: string;
  readonly level: AttentionItem['level'];
  find(facts: AttentionFacts): readonly Found[];
}

type Found = Pick<AttentionItem, 'title' | 'text' | 'link' | 'count'>;

/** So many failures of one cause are no accident. */
const manyFailures = 5;
/** A job that is due may wait so long. */
const longWaitMs = 60_000;
/** A run so many times longer than usual is stuck, not slow. */
const timesLonger = 20;

/** Everything that needs a person, what fails before what warns, and most first. Pure. */
export function attentionOf(facts: AttentionFacts): readonly AttentionItem[] {
  const found = attentionRules.flatMap(({ name, level, find }) =>
    find(facts).map((item) => ({ rule: name, level, ...item })),
  );
  const rank = ({ level }: AttentionItem): number => (level === 'fails' ? 0 : 1);
  return found.sort((one, other) => rank(one) - rank(other) || other.count - one.count);
}

/** What the records of a store can answer. */
export const attentionRules: readonly Rule[] = [
  {
    name: 'dispatcher.dead',
    level: 'fails',
    find: ({ dispatchers, now }) =>
      dispatchers
        .filter(({ state }) => state === 'dead')
        .map(({ uuid, lastSignAt, held, queues }) => ({
          title: ['Dispatcher ', named(uuid, { page: 'dispatcher', uuid }), ' gives no sign of life.'],
          text: [
            lastSignAt === null ? '' : `The last one was ${durationText(now - lastSignAt)} ago. `,
            `It holds ${jobs(held)} of ${queues.length === 1 ? 'queue' : 'queues'} ${queues.map(quoted).join(', ')}.`,
          ],
          link: { page: 'dispatcher', uuid },
          count: held,
        })),
  },
  {
    name: 'dispatcher.stuck',
    level: 'fails',
    find: ({ dispatchers }) =>
      dispatchers.flatMap(({ uuid, lateMs, held }) => {
        if (lateMs === null) return [];
        const link = { page: 'dispatcher', uuid } as const;
        const title = [
          'Dispatcher ',
          named(uuid, link),
          ` is stuck: its poll is ${durationText(lateMs)} late.`,
        ];
        const text = 'Code that blocks the event loop, or a store that does not answer, holds it up.';
        return [{ title, text: [text], link, count: held }];
      }),
  },
  {
    name: 'failures.same',
    level: 'fails',
    find: ({ failing }) =>
      failing
        .filter(({ count }) => count >= manyFailures)
        .map(({ count, code, name, message, place, names, latest }) => ({
          title: [
            `${count} failures in 10 minutes, one cause: ${code ?? name}${place === null ? '' : ` at ${place}`}.`,
          ],
          text: [`${names.join(', ')}: ${message}. The latest: `, named(latest, { page: 'job', id: latest })],
          link: { page: 'jobs', list: 'failed', queue: null, names },
          count,
        })),
  },
  {
    name: 'queue.noAgent',
    level: 'fails',
    find: ({ queues }) =>
      queues
        .filter(({ waiting, agents }) => waiting.n > 0 && !agents.some(({ state }) => state === 'at work'))
        .map(({ name, waiting, oldestMs }) => ({
          title: ['Queue ', queueName(name), `: ${jobs(waiting.n)} and no agent at work.`],
          text: [`${oldest(oldestMs)}Start a dispatcher: box.start().`],
          link: { page: 'queue', name },
          count: waiting.n,
        })),
  },
  {
    name: 'queue.stuck',
    level: 'warns',
    find: ({ queues, firstWaiting }) =>
      queues.flatMap(({ name, waiting, oldestMs, agents }) => {
        const why = firstWaiting.get(name);
        if (why === undefined || (oldestMs ?? 0) < longWaitMs || why.verdict.code === 'offered') return [];
        if (!agents.some(({ state }) => state === 'at work')) return [];
        return [
          {
            title: ['Queue ', queueName(name), `: ${why.verdict.text}.`],
            text: [
              `${oldest(oldestMs)}${why.verdict.remedy} The first: `,
              named(why.job, { page: 'job', id: why.job }),
            ],
            link: { page: 'jobs', list: 'waiting', queue: name, names: [] },
            count: waiting.n,
          },
        ];
      }),
  },
  {
    name: 'agent.failed',
    level: 'fails',
    find: ({ queues }) =>
      queues
        .flatMap(({ agents }) => agents)
        .filter(({ failure }) => failure !== null)
        .map(({ queue, name, failure, dispatcher }) => ({
          title: [`Agent ${name} of queue `, queueName(queue), ' cannot claim.'],
          text: [`${failure ?? ''}. Repair its filter or chooser.`],
          link: { page: 'dispatcher', uuid: dispatcher },
          count: 1,
        })),
  },
  {
    name: 'actors.suspended',
    level: 'fails',
    find: ({ suspended }) =>
      suspended.map(({ machine, n, first }) => ({
        title: [
          `${n === 1 ? '1 actor' : `${n} actors`} of machine ${machine} ${n === 1 ? 'is' : 'are'} suspended.`,
        ],
        text: [
          'Mail and timers wait until it is repaired and resumed. The first: ',
          named(first, { page: 'actor', id: first }),
        ],
        link: { page: 'durable', machine, status: 'suspended' },
        count: n,
      })),
  },
  {
    name: 'job.longer',
    level: 'warns',
    find: ({ heldLongest }) =>
      heldLongest
        .filter(({ timesMedian }) => (timesMedian ?? 0) >= timesLonger)
        .map(({ id, name, heldMs, timesMedian }) => ({
          title: [
            `${name} `,
            named(id, { page: 'job', id }),
            ` has run for ${durationText(heldMs)}, ${Math.round(timesMedian ?? 0)} times longer than usual.`,
          ],
          text: ['It may be stuck.'],
          link: { page: 'job', id },
          count: 1,
        })),
  },
  {
    name: 'jobs.quarantined',
    level: 'warns',
    find: ({ quarantined }) =>
      quarantined === 0
        ? []
        : [
            {
              title: [`${jobs(quarantined)} in quarantine.`],
              text: ['This version cannot read them, and leaves them alone: see JOB_QUARANTINED.'],
              link: { page: 'jobs', list: 'quarantined', queue: null, names: [] },
              count: quarantined,
            },
          ],
  },
];

function named(name: string, link: LinkTarget): TextPart {
  return { name, link };
}

function queueName(name: string): TextPart {
  return named(quoted(name), { page: 'queue', name });
}

/** The default queue has no name. */
function quoted(name: string): string {
  return name === '' ? "''" : name;
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count} jobs`;
}

function oldest(ms: number | null): string {
  return ms === null ? '' : `The oldest has waited ${durationText(ms)}. `;
}
