import { defineJob, NeverRetry } from 'signalbox';

/** What these jobs do when they are not to hang. */
export const answers: { ends: boolean; noted: string[] } = { ends: false, noted: [] };

const run = async (word: string): Promise<string> => {
  if (!answers.ends) await new Promise(() => {});
  return `${word} done`;
};

/** Hangs in a process that does not want it to end. */
export const hang = defineJob({ name: 'hang', run });

/** The same, and never tried twice. */
export const hangOnce = defineJob({ name: 'hangOnce', run, retry: NeverRetry });

export const note = defineJob({
  name: 'note',
  run: (input: unknown) => {
    answers.noted.push(String(input));
  },
});
