import type { Failure } from '../../../../machines/job.context.ts';
import type { FailureView, Frame } from '../../protocol/tree.ts';
import { treeOf } from './tree.ts';

const mostFrames = 100;
const longestMessage = 10_000;
const longestLine = 400;

/** A failure, already redacted, as a page shows it. */
export function failureView(failure: Failure, depth = 0): FailureView {
  const { name, message, code, stack, cause, extra } = failure;
  return {
    name: cut(name, 200),
    message: cut(message, longestMessage),
    code: code === null ? null : cut(code, 200),
    frames: framesOf(stack),
    cause: cause === null || depth >= 8 ? null : failureView(cause, depth + 1),
    extra: treeOf(extra),
  };
}

/** A failure in a few words: its code, or its name and message. */
export function failureWords({ name, message, code }: Failure): string {
  if (code !== null) return cut(code, 100);
  const [first = ''] = message.split('\n');
  const words = name === 'Error' || name === 'NonError' ? first : `${name}: ${first}`;
  return cut(words === '' ? name : words, 100);
}

/** The lines of a stack that say where, without name and message. */
export function framesOf(stack: string): readonly Frame[] {
  const lines = stack.split('\n', 2 * mostFrames).map((line) => line.trim());
  return lines
    .filter((line) => line.startsWith('at '))
    .slice(0, mostFrames)
    .map((line) => ({ text: cut(line, longestLine), isOwn: isOwn(line), place: placeOf(line) }));
}

/** The place in the program's own code where it was thrown; null: not known. */
export function ownPlace(failure: Failure): string | null {
  const frames = framesOf(failure.stack);
  return (frames.find(({ isOwn }) => isOwn) ?? frames[0])?.place ?? null;
}

function isOwn(line: string): boolean {
  return !/node:|[/\\]node_modules[/\\]|\(<anonymous>\)|\bnative\b/.test(line) && placeOf(line) !== null;
}

/** `payments.ts:88` of `at charge (/app/src/payments.ts:88:19)`. */
function placeOf(line: string): string | null {
  const [, file, number] = /([^/\\\s(]+):(\d+):\d+\)?$/.exec(line) ?? [];
  return file === undefined || number === undefined ? null : `${file}:${number}`;
}

export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
}
