import { createSignalbox, type Signalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { report } from './jobs.ts';

/** The box of this server, and the definitions that it knows. */
export interface Jobs {
  readonly box: Signalbox;
  readonly report: typeof report;
}

// Next compiles the instrumentation and each route by itself, so each has its own copy of this module and of jobs.ts. What all
// of them use is kept beside the modules, also when a file changes while `next dev` runs.
const kept = globalThis as { signalboxJobs?: Promise<Jobs> };

/** Opens the box and starts it, once in a process. */
export function theJobs(): Promise<Jobs> {
  kept.signalboxJobs ??= open();
  return kept.signalboxJobs;
}

async function open(): Promise<Jobs> {
  const box = await createSignalbox({ store: jsonStore('.signalbox/next'), jobs: [report] });
  await box.start();
  return { box, report };
}
