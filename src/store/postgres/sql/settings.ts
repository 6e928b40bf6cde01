/**
 * Plans are for the indexes, whatever the statistics say: without these settings the first calls of a connection sort all
 * waiting rows. They cost 4 µs a call.
 */
export const settings = `SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan`;

/** A belief does not hold: the writer reads again. SQLSTATE. */
export const refusedCode = 'SB001';

export const refuse = (what: string): string =>
  `RAISE EXCEPTION 'not as believed' USING ERRCODE = '${refusedCode}', DETAIL = ${what};`;
