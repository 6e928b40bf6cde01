import type { SeededRandom } from '../../src/testing/simulate/world/random.ts';
import { type KillPoint, killableCalls } from './kill-points.ts';
import { killableSyscalls, type SyscallPoint } from './strace.ts';

/** How one life ends. */
export type Death =
  /** After a time that is counted from the beginning of its opening, or from its end. */
  | { readonly way: 'time'; readonly since: 'opening' | 'opened'; readonly ms: number; readonly rival: Rival }
  /** At a call of the store, by its own hand. */
  | { readonly way: 'call'; readonly point: KillPoint }
  /** At a system call, by strace. */
  | { readonly way: 'strace'; readonly point: SyscallPoint };

/** When the next process tries to open the store: as this one dies, before that, or while this one is stopped. */
export type Rival = 'after' | 'before' | 'whileStopped';

/** Ways to die. */
export type Way = Death['way'];

/** Chooses how a life ends. */
export function deathOf(
  random: SeededRandom,
  ways: readonly Way[],
  calls: readonly KillPoint['call'][] = killableCalls,
): Death {
  const way = random.pick(ways);
  // Opening alone makes about ten of each call; what comes later are commits and checkpoints.
  const nth = random.integer(0, 2) === 0 ? random.integer(1, 7) : random.integer(8, 49);
  const isRare = (call: string): boolean => !['write', 'datasync', 'pwrite64', 'fdatasync'].includes(call);
  if (way === 'call') {
    const call = random.pick(calls);
    return {
      way,
      point: { call, nth: isRare(call) ? random.integer(1, 4) : nth, when: random.pick(['before', 'after']) },
    };
  }
  if (way === 'strace') {
    const syscall = random.pick(killableSyscalls);
    return { way, point: { syscall, nth: isRare(syscall) ? random.integer(1, 4) : nth } };
  }
  const since = random.integer(0, 4) === 0 ? 'opening' : 'opened';
  const rival = random.pick(['after', 'after', 'before', 'whileStopped'] as const);
  return { way, since, ms: since === 'opening' ? random.integer(0, 39) : random.integer(0, 299), rival };
}
