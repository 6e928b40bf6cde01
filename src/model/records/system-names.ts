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
  bulk: 'signalbox.bulk',
} as const;

/** The limit of jobs of schedules that wait for each other: one at once for each schedule, whose name is the key. */
export const scheduleLimit = 'signalbox.schedule';

/** The annotation that names the job that an ended one was tried again as; the newest of them. */
export const retriedAnnotation = 'signalbox.retriedAs';

/** The condition that chooses between the two branches of a pair of callbacks. */
export const failureCondition = 'signalbox.isFailure';

const systemJobs: readonly string[] = [
  systemNames.fail,
  systemNames.handleInterrupt,
  systemNames.resumeCallbacks,
  systemNames.bulk,
];

/** Whether jobs of this name are system jobs. Joined jobs are not: a program makes them. */
export function isSystemJob(name: string): boolean {
  return systemJobs.includes(splitSystemName(name)?.system ?? name);
}

/**
 * The name of a system job that only a process may claim that knows a definition: it has to call a job of that definition,
 * or to ask its retry policy. It is a name of its own, so such jobs are in a lane of their own. A decision about such a system
 * job needs what that one needs.
 */
export function systemNameNeeding(system: string, definition: string): string {
  return `${system}:${splitSystemName(definition)?.needs ?? definition}`;
}

/** The parts of a name that `systemNameNeeding` made; null for any other name. */
export function splitSystemName(name: string): { readonly system: string; readonly needs: string } | null {
  const at = isSystemName(name) ? name.indexOf(':') : -1;
  return at < 0 ? null : { system: name.slice(0, at), needs: name.slice(at + 1) };
}

/** Whether a definition name is reserved for Signalbox. */
export function isSystemName(name: string): boolean {
  return name.startsWith('signalbox.');
}
