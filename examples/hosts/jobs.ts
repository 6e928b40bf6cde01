import { setTimeout as pause } from 'node:timers/promises';
import { defineJob, local, RetryCommonForever } from 'signalbox';

const stepMs = 200;

/** Names of the hosts that have begun the job, in order. Written at once, so it tells of a host that is killed, too. */
export const hostsAnnotation = 'hosts';

/** How far the job is: a host that takes it over goes on from there. */
export const stepAnnotation = 'step';

/** Something that takes a while: so many steps of 0.2 seconds. */
export const report = defineJob({
  name: 'report',
  retry: RetryCommonForever,
  run: async (title: string, steps: number): Promise<string> => {
    const host = local.getAgentName() ?? '';
    const earlier = (await local.getLiveAnnotation(hostsAnnotation, { default: [] })) as string[];
    await local.setLiveAnnotation(hostsAnnotation, [...earlier, host]);
    const done = Number(await local.getLiveAnnotation(stepAnnotation, { default: 0 }));
    for (let step = done + 1; step <= steps; step += 1) {
      await pause(stepMs, undefined, { signal: local.signal });
      await local.setLiveAnnotation(stepAnnotation, step);
    }
    return `${title}: done by ${host}`;
  },
});
