import type { Job, Queue, Representation, Signalbox } from 'signalbox';
import { hostsAnnotation, stepAnnotation } from './jobs.ts';

/** What is shown of a job. */
export interface JobOverview {
  readonly id: string | null;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly status: string;
  readonly step: unknown;
  /** Hosts that have begun it, in order: more than one when a sibling took it over. */
  readonly hosts: unknown;
  readonly outcome: unknown;
}

/** Everything that the processes share, read from the database: it says the same in whichever process it is asked. */
export async function overviewOf(box: Signalbox) {
  const queues = await box.queues();
  return { queues: await Promise.all(queues.map((name) => queueOverview(box.queue(name)))) };
}

async function queueOverview(queue: Queue) {
  const hosts = await Promise.all((await queue.dispatchers.all()).map(hostOverview));
  const waiting = await Promise.all((await queue.jobs()).map(jobOverview));
  return { name: queue.name, waiting, hosts };
}

async function hostOverview(representation: Representation) {
  const { uuid, lastPing, activated, dead, agents } = representation;
  const [name = ''] = await agents.names();
  const agent = await agents.get(name);
  const [held, completed] = [(await agent?.jobs()) ?? [], (await agent?.completed()) ?? []];
  return {
    name,
    uuid,
    state: activated === null ? 'deactivated' : dead ? 'dead' : 'activated',
    lastPing,
    jobs: await Promise.all(held.map(jobOverview)),
    completed: await Promise.all(completed.slice(0, 20).map(jobOverview)),
  };
}

export async function jobOverview(job: Job): Promise<JobOverview> {
  const { id, name, args, status, annotations, outcome } = await job.refresh();
  const [step, hosts] = [annotations[stepAnnotation] ?? 0, annotations[hostsAnnotation] ?? []];
  return { id, name, args, status, step, hosts, outcome };
}
