import { TimeoutError } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { systemNames } from '../model/system-names.ts';
import { currentRun } from './current-run.ts';
import { type JobDefinition, makeDefinition } from './definitions.ts';
import type { Engine } from './engine.ts';
import type { Job } from './job.ts';
import { joinDefinitions } from './join.ts';

/** The jobs that the machinery itself puts in queues. They are looked up by name like any other. */
export function systemDefinitions(engine: () => Engine): readonly JobDefinition<never, unknown>[] {
  const definitions = [
    makeDefinition({
      name: systemNames.fail,
      run: async (job: Job) => {
        const record = await engine().store.get('job', job.record.id);
        const limit =
          record?.beginBy === null || record === undefined ? 'its deadline' : `${record.beginBy} ms`;
        const error = new TimeoutError({ what: `the start of job ${job.record.id}`, limit });
        await engine().finishing.failFromOutside(engine().direct, job.record.id, error, true);
      },
    }),
    makeDefinition({
      name: systemNames.handleInterrupt,
      run: async (job: Job) => {
        await engine().finishing.handleInterrupt(job.record.id, currentRun.getStore()?.queue ?? '');
      },
    }),
    makeDefinition({
      name: systemNames.resumeCallbacks,
      run: async (job: Job) => {
        const record = await engine().store.get('job', job.record.id);
        if (record !== undefined) await engine().callbacks.resume(record);
      },
    }),
    makeDefinition({ name: systemNames.pass, run: (input: unknown) => passed(input) }),
    ...joinDefinitions,
  ];
  return definitions as unknown as readonly JobDefinition<never, unknown>[];
}

/** A missing branch gives its parent's outcome on: a Failure keeps flowing. */
function passed(input: unknown): unknown {
  return input instanceof Failure ? input : input;
}
