import { jobMachine } from '../../../machines/job.machine.ts';
import { representationMachine } from '../../../machines/representation.machine.ts';
import { scheduleMachine } from '../../../machines/schedule.machine.ts';
import { compileChart } from '../chart/compile.ts';

/** The stored charts, compiled once. */
export const jobChart = compileChart(jobMachine);
export const representationChart = compileChart(representationMachine);
export const scheduleChart = compileChart(scheduleMachine);

/** Version and hash of the charts of jobs and representations: part of every journal line. */
export const machineVersion = [jobChart, representationChart].map(versionOf).join(',');

/** The same with that of schedules: part of every line that is about one. */
const withSchedules = `${machineVersion},${versionOf(scheduleChart)}`;

/** What a line of the journal says of the charts that stepped. One without schedules does not pay for them. */
export function versionFor(changes: readonly { readonly kind: string }[], given: string): string {
  return given === machineVersion && changes.some(({ kind }) => kind === 'schedule') ? withSchedules : given;
}

function versionOf({
  id,
  version,
  hash,
}: {
  readonly id: string;
  readonly version: string | undefined;
  readonly hash: string;
}): string {
  return `${id}@${version}.${hash}`;
}
