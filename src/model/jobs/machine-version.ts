import { actorMachine } from '../../../machines/actor.machine.ts';
import { jobMachine } from '../../../machines/job.machine.ts';
import { representationMachine } from '../../../machines/representation.machine.ts';
import { scheduleMachine } from '../../../machines/schedule.machine.ts';
import { compileChart } from '../chart/compile.ts';

/** The stored charts, compiled once. */
export const jobChart = compileChart(jobMachine);
export const representationChart = compileChart(representationMachine);
export const scheduleChart = compileChart(scheduleMachine);
export const actorChart = compileChart(actorMachine);

/** Version and hash of the charts of jobs and representations: part of every journal line. */
export const machineVersion = [jobChart, representationChart].map(versionOf).join(',');

/** Charts of which a line says the version only when it is about such records: the others do not pay for them. */
const chartsOfFew = { schedule: versionOf(scheduleChart), actor: versionOf(actorChart) };
const kindsOfFew = Object.keys(chartsOfFew) as readonly (keyof typeof chartsOfFew)[];
const withFew = new Map<string, string>();

/** What a line of the journal says of the charts that stepped. */
export function versionFor(changes: readonly { readonly kind: string }[], given: string): string {
  if (given !== machineVersion) return given;
  // Most lines are about jobs alone.
  let isAboutFew = false;
  for (const { kind } of changes) if (kind in chartsOfFew) isAboutFew = true;
  if (!isAboutFew) return given;
  let few = '';
  for (const kind of kindsOfFew)
    if (changes.some((change) => change.kind === kind)) few += `,${chartsOfFew[kind]}`;
  // One text for all lines: otherwise each would have its own.
  const version = withFew.get(few) ?? `${machineVersion}${few}`;
  withFew.set(few, version);
  return version;
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
