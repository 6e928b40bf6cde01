import { invalidOption } from '../../errors.ts';

/** Refuses what is no whole number from `least` up. Where there may be no limit, `most` is `Infinity`, which is none. */
export function checkCount(
  value: unknown,
  option: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  if (value === Number.POSITIVE_INFINITY && most === value) return value;
  throw invalidOption(option, `a whole number from ${least} up`, value);
}
