import type { Job, Queue, Representation, Signalbox } from 'signalbox';
import { hostsAnnotation, stepAnnotation } from './jobs.ts';

/** The data of a job that the page shows. */
export interface JobOverview {
  readonly id: string | null;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly status: string;
  readonly step: unknown;
  /** Hosts that have started the job, in order: more than one when a sibling took it over. */
  readonly hosts: unknown;
  readonly outcome: unknown;
}

/**
 * Returns everything that the processes share. It is read from the database, so every process returns the
 * same.
 */
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
