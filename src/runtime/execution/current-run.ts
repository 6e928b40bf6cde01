import { AsyncLocalStorage } from 'node:async_hooks';
import type { Run } from './run.ts';

/** Which run the current code belongs to: also after every await, and inside callbacks. */
export const currentRun = new AsyncLocalStorage<Run>();
