/** Names of the definitions that Signalbox itself provides. The prefix is reserved. */
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

/** The condition that chooses between the two branches of a pair of callbacks. */
export const failureCondition = 'signalbox.isFailure';

const systemJobs: readonly string[] = [
  systemNames.fail,
  systemNames.handleInterrupt,
  systemNames.resumeCallbacks,
];

/** Whether jobs of this name are system jobs. Joined jobs are not: a program makes them. */
export function isSystemJob(name: string): boolean {
  return systemJobs.includes(name);
}

/** Whether a definition name is reserved for Signalbox. */
export function isSystemName(name: string): boolean {
  return name.startsWith('signalbox.');
}
