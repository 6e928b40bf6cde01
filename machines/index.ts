export * from './agent.machine.ts';
export * from './describe.ts';
export * from './dispatcher.machine.ts';
export * from './job.context.ts';
export type { JobEvent } from './job.events.ts';
export * from './job.machine.ts';
export * from './json.ts';
export * from './representation.machine.ts';
export * from './supervisor.machine.ts';
