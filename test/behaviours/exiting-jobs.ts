import { defineJob } from 'signalbox';

/** What this job does when it is not to take its process with it. */
export const doings: { stays: boolean; calls: string[] } = { stays: false, calls: [] };

/** Ends the process that runs it, in the middle of its code. */
export const leave = defineJob({
  name: 'leave',
  run: (word: string): string => {
    doings.calls.push(word);
    if (!doings.stays) process.exit(7);
    return `${word} stayed`;
  },
});
