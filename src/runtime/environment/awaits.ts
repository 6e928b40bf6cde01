/**
 * Begins to watch. Returns whether something was awaited since: more than promises that are settled already, which never let
 * go of the process. Begin in a microtask: Node empties their queue before it calls what is due next.
 */
export function watchAwaits(): () => boolean {
  let hasAwaited = false;
  process.nextTick(() => {
    hasAwaited = true;
  });
  return () => hasAwaited;
}
