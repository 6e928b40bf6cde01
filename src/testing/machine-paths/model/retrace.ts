import { SignalboxError } from '../../../errors.ts';
import type { Path } from './choose.ts';
import { grown, planted } from './growth.ts';
import type { Root, Tree } from './tree.ts';
import type { Edge } from './walk.ts';

/**
 * A path with what its own steps come to. The walk goes on from one of several states that count as one: they differ in what ended
 * before, and in what is folded. Pure.
 *
 * @throws SignalboxError `INVALID_OPTION` when states that count as one do not go on alike.
 */
export function retraced(root: Root, path: Path, now: number): Path {
  let tree: Tree | null = null;
  const steps = path.map((edge): Edge => {
    const { step, name } = edge;
    if (step.kind === 'start' || tree === null) {
      const input = step.kind === 'start' ? step.input : undefined;
      const result = planted(root, input, now);
      tree = result.tree;
      return { ...edge, grown: result };
    }
    if (step.kind === 'outcome' && !tree.jobs.has(step.job))
      throw new SignalboxError('INVALID_OPTION', {
        option: 'stateKey',
        expected: 'a function that gives other text for states that go on in another way',
        actual: `the same for two, of which one has no "${name}"`,
      });
    const result = grown(root, tree, step);
    tree = result.tree;
    return { ...edge, grown: result };
  });
  return steps as unknown as Path;
}
