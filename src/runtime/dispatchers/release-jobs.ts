import { newJobRecord, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import type { Expectation } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';
import type { Made } from '../commits/unit-of-work.ts';
import { placedIn } from '../jobs/job-drafts.ts';

/**
 * What becomes of the jobs in the agents of a representation that stops: agents in order of name, in each its jobs
 * from first to last. One that never started goes to the end of the line; one that ran or was at its callbacks gets
 * a system job that decides about it; a completed one is filed.
 */
export async function cleaned(
  engine: Engine,
  representation: RepresentationRecord,
): Promise<{ readonly made: readonly Made[]; readonly expect: readonly Expectation[] }> {
  const { queue, dispatcher } = representation;
  const made: Made[] = [];
  const held = await engine.store.held(queue, dispatcher, null);
  const expect: Expectation[] = [
    // A claim that was under way must not leave a job with a dispatcher that nobody looks at any more.
    { what: 'holds', id: representation.id, queue, dispatcher, count: held.length },
  ];
  for (const job of held) {
    expect.push({ what: 'rev', kind: 'job', id: job.id, rev: job.rev });
    if (job.state === 'assigned') made.push(stepJob(job, { type: 'job.unassign', queue }));
    else if (job.state === 'completed') {
      engine.log.events('WARNING', () => `completed job found in an agent: ${engine.executor.text(job)}`, {
        job: job.id,
      });
      made.push(stepJob(job, { type: 'job.file', at: engine.now() }));
    } else made.push(...handedOn(engine, job, queue));
  }
  return { made, expect };
}

/** The system job that will decide about the job, and the job's move under it. */
export function handedOn(engine: Engine, job: JobRecord, queue: string): readonly Made[] {
  const name = job.state === 'callbacks' ? systemNames.resumeCallbacks : systemNames.handleInterrupt;
  const system = newJobRecord(engine.ids.newId(), {
    name,
    args: [{ $job: job.id }],
    failureLogLevel: 'CRITICAL',
  });
  return [placedIn(queue, system, engine), stepJob(job, { type: 'job.interrupt', system: system.id })];
}
