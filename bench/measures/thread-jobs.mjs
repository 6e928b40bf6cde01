import { defineJob } from 'signalbox';

// What the threads of threads.ts import: without a loader, so it is no TypeScript.

export const nothing = defineJob({ name: 'nothing', run: () => null });
