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

/** Whether a definition name belongs to the machinery. */
export function isSystemName(name: string): boolean {
  return name.startsWith('signalbox.');
}
