import { defineJob, Failure, type Json } from 'signalbox';

/** The input of a callback as a test compares it: a Failure by its text. */
export function comparable(input: unknown): unknown {
  return input instanceof Failure ? `${input.name}: ${input.message}` : input;
}

/** A job that records its calls, and jobs that end as their argument says. */
export function makeRecordingJobs() {
  const notes: unknown[][] = [];
  return {
    /** Labels and inputs of every call of `note`, in order. */
    notes,
    note: defineJob({
      name: 'note',
      run: (label: string, ...input: unknown[]): string => {
        notes.push([label, ...input.map(comparable)]);
        return `noted ${label}`;
      },
    }),
    give: defineJob({ name: 'give', run: (value: Json): Json => value }),
    raise: defineJob({
      name: 'raise',
      run: (message: string): never => {
        throw new Error(message);
      },
    }),
  };
}
