import { randomUUID } from 'node:crypto';
import type { StorePorts } from '../store/json/index.ts';

/** The ports of stores that commands open: real time and real ids. */
export function portsFor(report: (message: string) => void): StorePorts {
  return {
    now: () => Date.now(),
    defer: (run) => void setImmediate(run),
    newId: () => randomUUID(),
    report,
  };
}
