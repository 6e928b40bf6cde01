import { defineJob, local } from 'signalbox';

/** A job that says how far it is, and stops when its process does: then it is handed back, and tried again elsewhere. */
export const report = defineJob({
  name: 'report',
  run: async (title: string, steps: number): Promise<string> => {
    for (let step = 1; step <= steps; step += 1) {
      await local.sleep('100ms');
      local.progress(step, steps);
    }
    return `${title}: ${steps} steps`;
  },
});
