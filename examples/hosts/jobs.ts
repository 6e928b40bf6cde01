import { defineJob, local, RetryCommonForever } from 'signalbox';

const stepMs = 200;

/**
 * Names of the hosts that have started the job, in order. It is committed immediately, so it also names
 * killed hosts.
 */
export const hostsAnnotation = 'hosts';

/** The last completed step. A host that takes the job over continues from there. */
export const stepAnnotation = 'step';

/** A job that takes some time: `steps` steps of 0.2 seconds. */
export const report = defineJob({
  name: 'report',
  retry: RetryCommonForever,
  run: async (title: string, steps: number): Promise<string> => {
    const host = local.getAgentName() ?? '';
    const earlier = (await local.getLiveAnnotation(hostsAnnotation, { default: [] })) as string[];
    await local.setLiveAnnotation(hostsAnnotation, [...earlier, host]);
    const done = Number(await local.getLiveAnnotation(stepAnnotation, { default: 0 }));
    for (let step = done + 1; step <= steps; step += 1) {
      await local.sleep(stepMs);
      await local.setLiveAnnotation(stepAnnotation, step);
    }
    return `${title}: done by ${host}`;
  },
});
