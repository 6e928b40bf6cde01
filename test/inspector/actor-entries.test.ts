import { memoryStore } from 'signalbox';
import { expect, it } from 'vitest';
import { entryView } from '../../src/inspector/views/timeline/entry-view.ts';
import { openByHand } from '../store/open-by-hand.ts';

const secret = 'ada@example.org';
const failure = { name: 'TypeError', message: secret, stack: secret, code: null, cause: null, extra: {} };

it('An entry of an actor or a message shows which keys it sets, and nothing of what a program gave', async () => {
  const store = await openByHand(memoryStore());
  const actor = { kind: 'actor', id: 'order/1', event: 'signalbox.start', from: null, to: 'a' } as const;
  const timers = { wait: [20, 1, { type: 'late', to: secret }, null] } as const;
  const set = { machine: 'order', status: 'active', 'c:email': secret, output: secret, failure, timers };
  const message = {
    kind: 'message',
    id: 'order/1#x',
    event: 'message.put',
    from: null,
    to: 'waiting',
  } as const;
  const sent = { actor: 'order/1', machine: 'order', event: { email: secret }, at: 5 };
  const changes = [
    { ...actor, patch: set, arg: { email: secret } },
    { ...message, patch: sent },
  ];
  await store.commit({ by: 'client', changes, expect: [] }).synced;

  const views = [await entryView(store, 1), await entryView(store, 2)];

  expect(JSON.stringify(views)).not.toContain(secret);
  expect(views.map(({ changes: shown }) => shown.map(({ key }) => key))).toEqual([
    Object.keys(set),
    Object.keys(sent),
  ]);
  expect(JSON.stringify(views[0]?.changes)).toContain('TypeError');
  await store.close();
});
