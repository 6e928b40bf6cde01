/** Names of the definitions that the machinery itself puts in a queue. The prefix is reserved. */
export const systemNames = {
  fail: 'signalbox.fail',
  handleInterrupt: 'signalbox.handleInterrupt',
  resumeCallbacks: 'signalbox.resumeCallbacks',
  pass: 'signalbox.pass',
  serial: 'signalbox.serial',
  parallel: 'signalbox.parallel',
  joinStep: 'signalbox.joinStep',
  jobs: 'signalbox.jobs',
} as const;

/** The condition that tells the two branches of a pair of callbacks apart. */
export const failureCondition = 'signalbox.isFailure';

const systemJobs: readonly string[] = [
  systemNames.fail,
  systemNames.handleInterrupt,
  systemNames.resumeCallbacks,
];

/** Whether jobs of this name are the machinery's own work, as opposed to joined jobs, which are a program's. */
export function isSystemJob(name: string): boolean {
  return systemJobs.includes(name);
}

/** Whether a definition name belongs to the machinery. */
export function isSystemName(name: string): boolean {
  return name.startsWith('signalbox.');
}
