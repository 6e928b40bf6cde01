/**
 * Plans are for the indexes, whatever the statistics say: without these settings the first calls of a connection sort all
 * waiting rows. Before PostgreSQL 18 a way that is off, and is taken because there is no other one, counts as so dear that the
 * server would compile the plan to machine code in each call: 35 ms instead of 1.
 */
export function plansByIndex(set: 'SET' | 'SET LOCAL', separator = ''): string {
  return [
    ...['enable_seqscan', 'enable_bitmapscan', 'enable_sort', 'jit'].map((way) => `${set} ${way} = off`),
    `${set} plan_cache_mode = force_generic_plan`,
  ].join(`${separator} `);
}

/** The settings of a function. They cost 4 µs a call. */
export const settings = plansByIndex('SET');

/** A belief does not hold: the writer reads again. SQLSTATE. */
export const refusedCode = 'SB001';

export const refuse = (what: string): string =>
  `RAISE EXCEPTION 'not as believed' USING ERRCODE = '${refusedCode}', DETAIL = ${what};`;
