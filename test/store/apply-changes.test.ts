import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Applied, applyChanges, undoChanges } from '../../src/store/rules/changes/apply-changes.ts';
import { Tables } from '../../src/store/rules/tables.ts';
import type { Change } from '../../src/store/store.ts';

const agent = { queue: 'q', dispatcher: 'd', agent: 'main' };

/** Steps in the life of a job, and records of other kinds, with ids that repeat. */
const change = fc.tuple(fc.nat(7), fc.constantFrom('a', 'a', 'a', 'b', 'c')).map(([which, id]): Change => {
  const job = (event: string, to: string, patch: Change['patch']): Change => ({
    kind: 'job',
    id,
    event,
    from: null,
    to,
    patch,
  });
  const note = { kind: 'annotation' as const, id: `${id}/n`, event: 'annotation.set', from: null, to: null };
  return [
    job('put', 'pending', { name: 'work', args: [1], parent: { queue: 'q' }, line: 'now' }),
    job('claim', 'assigned', { parent: agent, line: 'claimed', quotas: ['q/x'] }),
    job('start', 'active.running', { parent: agent, line: 'claimed', activeStart: 5 }),
    job('finish', 'callbacks', {
      parent: agent,
      line: 'claimed',
      quotas: [],
      outcome: { ok: true, value: null },
      ending: 'succeeded',
    }),
    job('complete', 'completed', { parent: agent, line: 'claimed', callbacksEnd: 7 }),
    { ...job('evicted', '', null), to: null, gone: true },
    { ...note, patch: { value: id } },
    { ...note, patch: null, gone: true },
  ][which] as Change;
});

/** Everything that is read from the tables. */
function seen(tables: Tables): unknown {
  const { jobs, states } = tables;
  const indexes = [jobs.held('q', 'd', 'main'), jobs.filed('q', 'd', 'main'), jobs.quotaHolders('q/x')];
  return {
    records: tables.list('job', ''),
    notes: ['a', 'b', 'c'].map((id) => tables.annotations(id)),
    indexes: indexes.map((ids) => [...ids].sort()),
    waiting: jobs.queues.waitingCount('q'),
    states: [...states].filter(([, count]) => count > 0).sort(),
    completed: jobs.completed.size,
    endings: jobs.endings,
  };
}

it('The changes of a commit do the same together as one by one, and leave nothing when they are undone', () => {
  fc.assert(
    fc.property(fc.array(change), fc.array(change, { minLength: 1 }), (earlier, changes) => {
      const [tables, others] = [new Tables(), new Tables()];
      for (const [index, each] of earlier.entries()) {
        tables.apply(each, index + 1);
        others.apply(each, index + 1);
      }
      const before = structuredClone(seen(tables));
      const first = earlier.length + 1;
      const previous = changes.map(({ kind, id }, index) => {
        const last = changes.findLastIndex((each, at) => at < index && each.kind === kind && each.id === id);
        if (last < 0) return others.get(kind, id)?.lastSeq ?? 0;
        return changes[last]?.gone === true ? 0 : first + last;
      });

      let applied: Applied;
      try {
        applied = applyChanges(tables, changes, first);
      } catch {
        // Some leave a job in a state that does not fit its place: then it may not be changed.
        expect(seen(tables)).toEqual(before);
        return;
      }

      for (const [index, each] of changes.entries()) others.apply(each, first + index);
      expect(seen(tables)).toEqual(seen(others));
      expect(applied.entries.map(({ q }) => q)).toEqual(previous);
      undoChanges(tables, applied);
      expect(seen(tables)).toEqual(before);
    }),
  );
});

it('A change that is refused leaves nothing of those before it, nor of the record that it changes', () => {
  const tables = new Tables();
  const put: Change = {
    kind: 'job',
    id: 'a',
    event: 'put',
    from: null,
    to: 'pending',
    patch: { name: 'work', parent: { queue: 'q' }, line: 'now' },
  };
  tables.apply(put, 1);
  const record = tables.get('job', 'a');
  const before = structuredClone(seen(tables));
  const claim: Change = { ...put, event: 'claim', from: 'pending', to: 'assigned', patch: { parent: agent } };

  const refused: Change = { ...claim, event: 'start', from: 'pending', to: 'active.running', patch: null };
  expect(() => applyChanges(tables, [{ ...put, id: 'b' }, claim, refused], 2)).toThrow(/assigned/);

  expect(tables.get('job', 'a')).toBe(record);
  expect(seen(tables)).toEqual(before);
});
