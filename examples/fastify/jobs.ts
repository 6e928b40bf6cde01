import { defineJob, local } from 'signalbox';

const stepMs = 100;

/** The last completed step. It is committed immediately, so a report that was interrupted continues from there. */
export const stepAnnotation = 'step';

/** A job that takes some time: `steps` steps of 0.1 seconds. */
export const report = defineJob({
  name: 'report',
  run: async (title: string, steps: number): Promise<string> => {
    const done = Number(await local.getLiveAnnotation(stepAnnotation, { default: 0 }));
    for (let step = done + 1; step <= steps; step += 1) {
      await local.sleep(stepMs);
      await local.setLiveAnnotation(stepAnnotation, step);
    }
    return `${title}: ${steps} steps`;
  },
});
