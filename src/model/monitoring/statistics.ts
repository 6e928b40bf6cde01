import type { JobInfo, JobInfos } from './job-infos.ts';
import type { AgentPoll, JobName, PollInfo } from './polls.ts';

/** Figures about the work done, computed from the kept polls and jobs. Instants are Dates. */
export interface Statistics {
  started: number;
  successful: number;
  failed: number;
  /** Jobs of the polls whose record was dropped. */
  unknown: number;
  longestSuccessful: JobName | null;
  shortestSuccessful: JobName | null;
  longestFailed: JobName | null;
  shortestFailed: JobName | null;
  longestActive: JobName | null;
  shortestActive: JobName | null;
  /** Instant of the newest poll examined, whatever the name says; null without polls. */
  statisticsStart: Date | null;
  /** Instant of the oldest poll examined; null without polls. */
  statisticsEnd: Date | null;
}

type Outcome = 'Successful' | 'Failed' | 'Active';

/**
 * Returns statistics over polls, newest first: all jobs that were started in them, and those that ran already
 * at the oldest.
 */
export function statisticsOf(
  polls: readonly PollInfo[],
  jobs: JobInfos,
  now: number,
  only: { readonly queue?: string; readonly agent?: string } = {},
): Statistics {
  const result: Statistics = {
    started: 0,
    successful: 0,
    failed: 0,
    unknown: 0,
    longestSuccessful: null,
    shortestSuccessful: null,
    longestFailed: null,
    shortestFailed: null,
    longestActive: null,
    shortestActive: null,
    statisticsStart: polls[0]?.timestamp ?? null,
    statisticsEnd: polls.at(-1)?.timestamp ?? null,
  };
  const extremes = new Map<string, number>();
  const seen = new Set<string>();

  const examine = (name: JobName, poll: PollInfo): void => {
    if (seen.has(name[0])) return;
    seen.add(name[0]);
    const info = jobs.get(name[0]);
    if (info === undefined) {
      result.unknown += 1;
      return;
    }
    const outcome = outcomeOf(info);
    if (outcome === 'Successful') result.successful += 1;
    else if (outcome === 'Failed') result.failed += 1;
    const duration = (info.completed?.getTime() ?? now) - (info.started ?? poll.timestamp).getTime();
    const [longest, shortest] = [`longest${outcome}`, `shortest${outcome}`] as const;
    if (duration > (extremes.get(longest) ?? Number.NEGATIVE_INFINITY)) {
      extremes.set(longest, duration);
      result[longest] = name;
    }
    if (duration < (extremes.get(shortest) ?? Number.POSITIVE_INFINITY)) {
      extremes.set(shortest, duration);
      result[shortest] = name;
    }
  };

  for (const [index, poll] of polls.entries()) {
    for (const agent of agentsOf(poll, only)) {
      result.started += agent.claimed;
      const dropped = agent.claimed - agent.newJobs.length;
      result.unknown += dropped;
      for (const name of agent.newJobs) examine(name, poll);
      if (index === polls.length - 1) for (const name of agent.activeJobs) examine(name, poll);
    }
  }
  return result;
}

function* agentsOf(
  poll: PollInfo,
  only: { readonly queue?: string; readonly agent?: string },
): Generator<AgentPoll> {
  for (const [queue, agents] of Object.entries(poll.queues)) {
    if (agents === null || (only.queue !== undefined && only.queue !== queue)) continue;
    for (const [name, agent] of Object.entries(agents)) {
      if (only.agent === undefined || only.agent === name) yield agent;
    }
  }
}

function outcomeOf(info: JobInfo): Outcome {
  if (info.completed === null) return 'Active';
  return info.failed ? 'Failed' : 'Successful';
}
