import { randomUUID } from 'node:crypto';
import type { StorePorts } from '../store/json/index.ts';

/** What stores need from outside, for commands: real time and real ids. */
export function portsFor(report: (message: string) => void): StorePorts {
  return {
    now: () => Date.now(),
    defer: (run) => void setImmediate(run),
    newId: () => randomUUID(),
    report,
  };
}
