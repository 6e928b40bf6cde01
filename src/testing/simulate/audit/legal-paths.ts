/** The legal paths of a status. Written by hand, not read from the chart, so that they check the chart. */
const legalPaths: ReadonlySet<string> = new Set([
  'null job.new new',
  'null callback.add new',
  'new job.put pending',
  'new job.start active.running',
  'new job.fail callbacks',
  'new callback.move new',
  'pending job.pull new',
  'pending job.claim assigned',
  'pending job.fail callbacks',
  'assigned job.start active.running',
  'assigned job.unassign pending',
  'assigned job.fail callbacks',
  'active.running job.retry active.running',
  'active.running job.wait active.waiting',
  'active.running job.finish callbacks',
  'active.waiting job.finish callbacks',
  ...['active.running', 'active.waiting'].flatMap((state) => [
    `${state} job.abort callbacks`,
    `${state} job.timeout active.timingOut`,
  ]),
  ...['active.running', 'active.waiting', 'active.timingOut'].flatMap((state) => [
    `${state} job.reschedule pending`,
    `${state} callback.reset new`,
    `${state} job.cancel active.cancelling`,
  ]),
  ...['active.running', 'active.waiting', 'active.timingOut', 'active.cancelling'].flatMap((state) => [
    `${state} job.interrupt ${state}`,
    `${state} args.append ${state}`,
  ]),
  ...['new', 'pending', 'assigned', 'active.waiting'].map((state) => `${state} job.cancel callbacks`),
  'active.waiting job.expire callbacks',
  'active.timingOut job.finish callbacks',
  'active.cancelling job.finish callbacks',
  'active.cancelling job.cancelled callbacks',
  'active.running job.snooze pending',
  'active.running job.handBack pending',
  'pending job.defer pending',
  'callbacks job.complete completed',
  'callbacks job.interrupt callbacks',
  'callbacks job.claim callbacks',
  'completed job.claim completed',
  'completed job.file completed',
]);

/** Events after which another holder, or no holder, has the job. */
export const holderChanges: readonly string[] = [
  'job.claim',
  'job.unassign',
  'job.interrupt',
  'job.reschedule',
  'job.snooze',
  'job.handBack',
  'callback.reset',
];
/** Events that only the holder of the job may cause. */
export const holderEvents: readonly string[] = [
  'job.start',
  'job.retry',
  'job.wait',
  'job.reschedule',
  'job.timeout',
  'job.cancelled',
  'job.snooze',
  'job.handBack',
];

/** Whether the status of a job may take this path. */
export function isLegalPath(from: string | null, event: string, to: string | null): boolean {
  const isSetting = event.endsWith('.set') && from === to;
  return isSetting || legalPaths.has(`${from} ${event} ${to}`);
}
