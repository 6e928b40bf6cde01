import { type Codec, type Json, memoryStore, type OpenStore } from 'signalbox';
import { expect, it } from 'vitest';
import { withCodec } from '../../src/store/coded-store.ts';
import { openByHand } from './open-by-hand.ts';

const codec: Codec = {
  encode: (value) => Buffer.from(JSON.stringify(value)).toString('base64'),
  decode: (encoded) => JSON.parse(Buffer.from(String(encoded), 'base64').toString()) as Json,
};

const secret = 'ada@example.org';
const failure = { name: 'Error', message: secret, stack: '', code: null, cause: null, extra: {} };
const actor = {
  kind: 'actor',
  id: 'order/1',
  event: 'signalbox.start',
  from: null,
  to: 'approval',
  arg: { email: secret },
  patch: {
    machine: 'order',
    version: '1',
    hash: 'h',
    status: 'active',
    'c:email': secret,
    'c:n': 0,
    'c:list': [],
    output: { to: secret },
    failure,
    timers: { wait: [20, 1, { type: 'late', to: secret }, '#parent'] },
    dueAt: 20,
  },
} as const;
const message = {
  kind: 'message',
  id: 'order/1#click',
  event: 'message.put',
  from: null,
  to: 'waiting',
  patch: { actor: 'order/1', machine: 'order', event: { type: 'go', email: secret }, at: 0, failure },
} as const;

async function made(): Promise<[coded: OpenStore, inner: OpenStore]> {
  const inner = await openByHand(memoryStore());
  const coded = await withCodec(inner, codec);
  await coded.commit({ by: 'client', changes: [actor, message], expect: [] }).synced;
  return [coded, inner];
}

it('A store with a codec has no context, output, failure, message or event of an actor as it is, and gives all of it back', async () => {
  const [coded, inner] = await made();

  expect(await coded.get('actor', 'order/1')).toMatchObject(actor.patch);
  expect((await coded.actorsPage({ limit: 1 })).actors).toMatchObject([actor.patch]);
  expect(await coded.mail('order/1', 1)).toMatchObject([message.patch]);
  const history = async (store: OpenStore): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const { kind, patch, arg } of store.entries(1))
      if (kind !== 'store') found.push({ patch, arg });
    return found;
  };
  expect(await history(coded)).toEqual([
    { patch: actor.patch, arg: actor.arg },
    { patch: message.patch, arg: undefined },
  ]);
  const stored = [await inner.get('actor', 'order/1'), await inner.mail('order/1', 1), await history(inner)];
  expect(JSON.stringify(stored)).not.toContain(secret);
  expect(JSON.stringify(stored)).toContain(codec.encode(secret));
});

it('A store with a codec works with what stays readable: machine, status, state, and when a timer is due', async () => {
  const [coded, inner] = await made();
  const died = { ...message, event: 'message.dead', from: 'waiting', to: 'dead', patch: { reason: 'threw' } };

  expect(await coded.dueActors(['order'], 20, 1)).toEqual(['order/1']);
  expect(await coded.actorCounts()).toEqual([
    { machine: 'order', status: 'active', state: 'approval', n: 1 },
  ]);
  expect(await coded.mailed(['order'], '', 1)).toEqual(['order/1']);
  expect((await inner.get('actor', 'order/1'))?.timers).toMatchObject({ wait: [20, 1, {}, '#parent'] });
  await coded.commit({ by: 'client', changes: [died], expect: [] }).synced;
  expect(await coded.deadLetters(1)).toMatchObject([message.patch]);
});

it('A key of a context that is cleared is gone in a store with a codec, too', async () => {
  const [coded] = await made();
  const step = { ...actor, event: 'order.go', from: 'approval', patch: { 'c:email': null, output: null } };

  await coded.commit({ by: 'client', changes: [step], expect: [] }).synced;

  const after = await coded.get('actor', 'order/1');
  expect(Object.keys(after ?? {}).filter((key) => key.startsWith('c:'))).toEqual(['c:n', 'c:list']);
  expect(after?.output).toBeNull();
});
