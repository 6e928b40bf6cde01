import { jobMachine } from '../../../machines/job.machine.ts';
import { representationMachine } from '../../../machines/representation.machine.ts';
import { compileChart } from '../chart/compile.ts';

/** The stored charts, compiled once. */
export const jobChart = compileChart(jobMachine);
export const representationChart = compileChart(representationMachine);

/** Version and hash of the stored charts: part of every journal line. */
export const machineVersion = `job@${jobChart.version}.${jobChart.hash},representation@${representationChart.version}.${representationChart.hash}`;
