import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Codec,
  createSignalbox,
  defineCondition,
  defineJob,
  type Failure,
  type Json,
  type LogFields,
  local,
  memoryStore,
  RetryCommonFourTimes,
  type Signalbox,
  type Store,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { storeContract, VirtualReactor } from 'signalbox/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { withCodec } from '../../src/store/coded-store.ts';
import { newDirectory } from '../behaviours/stores.ts';
import { errorOf } from '../input/boxes.ts';
import { forgeEntries } from './tampered-store.ts';

function aesGcm(...keys: readonly Uint8Array[]): Codec {
  return {
    encode(value) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keys[0] as Uint8Array, iv);
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64');
    },
    decode(encoded) {
      const bytes = Buffer.from(String(encoded), 'base64');
      for (const key of keys) {
        try {
          const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
          decipher.setAuthTag(bytes.subarray(12, 28));
          return JSON.parse(decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8'));
        } catch {
          // Another key may work.
        }
      }
      throw new Error('no key fits');
    },
  };
}

const codec = aesGcm(randomBytes(32));
const canary = `canary-${randomBytes(12).toString('hex')}`;
const boxes: Signalbox[] = [];
afterEach(async () => {
  delete process.env.SIGNALBOX_UUID_FILE;
  for (const box of boxes.splice(0)) await box.stop();
});

/** Everything that a logger may write, as pino would: the fields with the error, its own properties and its causes. */
function keeping(lines: string[]) {
  const serialized = (error: unknown): unknown =>
    error instanceof Error
      ? {
          ...error,
          name: error.name,
          message: error.message,
          stack: error.stack,
          cause: serialized(error.cause),
        }
      : error;
  const keep = ({ err, ...fields }: LogFields, message: string): void => {
    lines.push(JSON.stringify({ ...fields, err: serialized(err), message }));
  };
  return { debug: keep, info: keep, warn: keep, error: keep, fatal: keep };
}

const charge = defineJob({
  name: 'charge',
  redact: ['0.card.*', '1', 'result.receipt'],
  run: (order: { card: Json; token: Json; note: string }, pin: string) => ({
    receipt: pin,
    note: order.note,
    cookie: pin,
  }),
});
const quarrel = defineJob({
  name: 'quarrel',
  redact: ['0'],
  retry: {
    ...RetryCommonFourTimes,
    name: 'remembers',
    jobError: (failure: Failure, cache, tools) => {
      const isFirst = !cache.has('last');
      cache.set('last', failure.data as unknown as Json);
      tools.trace('WARNING', `${isFirst ? 'again' : 'not again'}: ${failure.message}`);
      return isFirst;
    },
  },
  tearDown: () => {
    throw new Error(`tearDown met ${canary}`);
  },
  run: (secret: string) => {
    const cause = Object.assign(new Error(`cause: ${secret}`), {
      config: { headers: { Authorization: secret } },
    });
    throw Object.assign(new Error(`bad "${secret}"`, { cause }), {
      code: secret,
      detail: [secret],
      password: secret,
    });
  },
});
const mute = defineJob({
  name: 'mute',
  redact: ['failure'],
  run: (order: { token: string }) => {
    const name = `Refused ${order.token}`;
    throw Object.assign(new RangeError(`no caller passed ${canary}`), {
      detail: canary,
      code: order.token,
      name,
    });
  },
});
const unstorable = defineJob({
  name: 'unstorable',
  run: () => ({ password: canary, when: new Date(0) }) as never,
});
const tell = defineJob({
  name: 'tell',
  run: async () => {
    await local.setLiveAnnotation('live', canary);
    return 'set';
  },
});
const tidy = defineJob({ name: 'tidy', redact: ['*'], run: (..._inputs: unknown[]) => 'tidy' });
const jobs = [charge, quarrel, mute, unstorable, tell, tidy];

/** Puts the secret in every possible place, and returns every text that was made from it. */
async function spread(store: Store, given?: Codec): Promise<{ box: Signalbox; texts: string[] }> {
  const texts: string[] = [];
  const box = await createSignalbox({ store, jobs, logger: keeping(texts), ...(given && { codec: given }) });
  boxes.push(box);
  const dispatcher = await box.start();
  const order = { card: { number: canary, cvc: [canary] }, token: { deep: canary }, note: 'fine' };
  const paid = charge(order, canary).with({ annotations: { password: canary, nested: { a: canary } } });
  const callback = await paid.addCallback(tidy.partial(canary));
  const all = [paid, quarrel(canary), mute({ token: canary }), unstorable(), tell()];
  texts.push(...all.map(String));
  const put = [];
  for (const job of all) put.push(await box.queue().put(job as typeof paid));
  for (const job of put) await job.waitFor('COMPLETED');
  await put[0]?.setAnnotation('later', canary);
  await box.call(quarrel(canary));
  const failed = await box.queue().put(quarrel(canary), { beginAfter: '1h' });
  await failed.fail(new Error(`from outside with ${canary}`));
  texts.push(...put.map(String), String(callback), String(failed));
  for (const attempt of [() => paid.setArgs([]), () => box.queue().put(paid), () => box.queue().remove(paid)])
    texts.push((await errorOf(attempt)).message);
  for (const [, info] of dispatcher.jobs) texts.push(`${info.call} ${info.result}`);
  for (const poll of dispatcher.polls) texts.push(JSON.stringify(poll));
  texts.push(
    JSON.stringify([dispatcher.getStatusInfo(), dispatcher.getStatistics()], (_key, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  );
  return { box, texts };
}

function filesOf(dir: string): string {
  return readdirSync(dir)
    .map((name) => readFileSync(join(dir, name), 'utf8'))
    .join('\n');
}

describe('[S15] a secret in arguments, errors, causes, annotations and results', () => {
  it('is in no log, no text of a job, no error of the runtime, and no record of a dispatcher', async () => {
    const { box, texts } = await spread(memoryStore());

    const hits = texts.filter((text) => text.includes(canary));
    expect(hits).toEqual([]);
    // Without redaction the same text is everywhere.
    expect(texts.length).toBeGreaterThan(40);
    expect(texts.join()).toContain('[redacted]');
    // The program gets the values that it put.
    const [first] = (await box.store.list('job', '')).filter(({ name }) => name === 'charge');
    expect(
      await box
        .job(first?.id ?? '')
        .refresh()
        .then((job) => job.args[1]),
    ).toBe(canary);
    expect((await box.job(first?.id ?? '').refresh()).outcome).toEqual({
      ok: true,
      value: { receipt: canary, note: 'fine', cookie: canary },
    });
  });

  it('is in no file of a store with a codec, where it is in many without one', async () => {
    const plain = join(newDirectory(), 'store');
    await (await spread(jsonStore(plain, { checkpointMinBytes: 5000 }))).box.stop();
    const dir = join(newDirectory(), 'store');
    const { box } = await spread(jsonStore(dir, { checkpointMinBytes: 5000 }), codec);
    await box.stop();
    await (await createSignalbox({ store: jsonStore(dir), jobs, codec })).stop();

    expect(filesOf(plain).split(canary).length).toBeGreaterThan(20);
    expect(filesOf(dir).split(canary).length - 1).toBe(0);
    expect(readdirSync(dir)).toContain('journal-00000003.jsonl');
    expect(filesOf(dir)).toContain('$coded');
  });

  it('in the file that the environment names is not in the error about an invalid UUID', async () => {
    const path = join(newDirectory(), 'secret.txt');
    writeFileSync(path, canary);
    process.env.SIGNALBOX_UUID_FILE = path;

    const error = await errorOf(() => createSignalbox({ store: jsonStore(join(newDirectory(), 'store')) }));

    expect([error.code, error.message.includes(canary)]).toEqual(['INVALID_OPTION', false]);
  });
});

describe('[S15] a secret in what a program throws besides its jobs', () => {
  it('is in no log: retry policies and conditions may throw their arguments', async () => {
    const lines: string[] = [];
    const asked = new Set<string>();
    /** Throws once: the runtime asks again after an error. */
    const throwing = (what: string, failure: Failure): boolean => {
      if (!asked.has(what)) {
        asked.add(what);
        failure.trap('TimeoutError');
      }
      return false;
    };
    const retry = {
      ...RetryCommonFourTimes,
      name: 'throwing',
      jobError: (failure: Failure) => throwing('policy', failure),
      updateData: () => {
        throw new Error(`nothing of ${canary}`);
      },
    };
    const refuse = defineJob({
      name: 'refuse',
      redact: ['0'],
      retry,
      run: (secret: string) => {
        throw new Error(`refused ${secret}`);
      },
    });
    const isLate = defineCondition('isLate', (input) => throwing('condition', input as Failure));
    const reactor = new VirtualReactor();
    const box = await createSignalbox({
      store: memoryStore(),
      jobs: [refuse],
      conditions: [isLate],
      logger: keeping(lines),
      reactor,
    });
    boxes.push(box);
    reactor.attach(box);
    await reactor.until(box.start());

    const job = refuse(canary);
    await job.addConditionalCallbacks([[isLate, refuse.partial(canary)]]);
    await box.queue().put(job);
    await reactor.advance('30s');

    expect((await job.refresh()).status).toBe('COMPLETED');
    expect([...asked]).toEqual(['policy', 'condition']);
    expect(lines.join()).toMatch(/asking the retry policy.*keeps nothing.*performing the callbacks/s);
    expect(lines.filter((line) => line.includes(canary))).toEqual([]);
  });
});

describe('[S15] what is shown of a job', () => {
  const text = (redact: readonly string[], ...args: readonly Json[]) =>
    String(defineJob({ name: 'show', redact, run: (..._args: readonly Json[]) => 1 })(...args));

  it('leaves out the values of keys that mean a secret, however they are written', () => {
    for (const key of [
      'password',
      'PASSWORD',
      'apiKey',
      'api_key',
      'API-Key',
      'accessToken',
      'Authorization',
      'set-cookie',
      'clientSecret',
    ])
      expect(text([], { user: 'ada', [key]: { a: [canary] } })).toBe(
        `<Job (id ?, store ?) show({"user":"ada","${key}":"[redacted]"})>`,
      );
    expect(text([], { tokens: 3, passwordless: true, cookies: 'oat' })).toContain(
      '{"tokens":3,"passwordless":true,"cookies":"oat"}',
    );
  });

  it.each([
    [['0'], `show([redacted], 'b')`],
    [['1'], `show({"a":[{"b":"c"},{"b":"d"}]}, [redacted])`],
    [['0.a.1.b'], `show({"a":[{"b":"c"},{"b":"[redacted]"}]}, 'b')`],
    [['0.a.*.b'], `show({"a":[{"b":"[redacted]"},{"b":"[redacted]"}]}, 'b')`],
    [['*'], 'show([redacted], [redacted])'],
    [['0.none', '2', 'constructor.x', '0.a.b.c.d'], `show({"a":[{"b":"c"},{"b":"d"}]}, 'b')`],
  ])('leaves out the value at %j', (redact, shown) => {
    expect(
      text(redact, { a: [{ b: 'c' }, { b: 'd' }] }, 'b').replaceAll("'[redacted]'", '[redacted]'),
    ).toContain(shown);
  });

  it('is given by paths, which are checked', () => {
    for (const redact of ['0.a', [''], ['a..b'], ['.a'], ['a.'], [1], {}])
      expect(() => text(redact as never)).toThrow('Expected `redact` to be a list of paths');
  });
});

describe('[S15] an error', () => {
  /** Returns what is logged for a job that throws this. */
  async function shownOf(thrown: unknown, ...args: readonly Json[]): Promise<string> {
    const lines: string[] = [];
    const run = (..._args: readonly Json[]): void => {
      throw thrown;
    };
    const throws = defineJob({ name: 'throws', redact: ['0'], run });
    const box = await createSignalbox({ store: memoryStore(), jobs: [throws], logger: keeping(lines) });
    boxes.push(box);
    await box.start();
    await (await box.queue().put(throws(...args))).waitFor('COMPLETED');
    return lines.join();
  }

  it('is shown without the secrets among its properties, also beside a key that looks like a reference', async () => {
    const request = { $job: 'nightly', headers: { cookie: canary } };

    const shown = await shownOf(Object.assign(new Error('refused'), { request, $job: { token: canary } }));

    expect(shown).toContain('nightly');
    expect(shown).not.toContain(canary);
  });

  it('is shown without any of a hidden text, also where another one is a part of it', async () => {
    const lines: string[] = [];
    const connect = defineJob({
      name: 'connect',
      run: ({ password, secret }: { password: string; secret: string }) => {
        throw new Error(`neither ${password} nor ${secret}`);
      },
    });
    const box = await createSignalbox({ store: memoryStore(), jobs: [connect], logger: keeping(lines) });
    boxes.push(box);
    await box.start();

    const job = await box.queue().put(connect({ password: 'hunter', secret: `hunter-${canary}` }));
    await job.waitFor('COMPLETED');

    expect(lines.join()).toContain('neither [redacted] nor [redacted]');
    expect(lines.filter((line) => line.includes(canary))).toEqual([]);
  });

  it('that is a thrown object and not an error is shown without its secrets, also when it was cut', async () => {
    const answer = { status: 401, request: { Authorization: canary } };

    const whole = await shownOf(answer);
    const part = await shownOf({ ...answer, body: 'x'.repeat(20_000) });

    for (const each of [whole, part]) {
      expect(each).toContain('401');
      expect(each).not.toContain(canary);
    }
    expect(await shownOf('[not] {"JSON"}')).toContain('[not]');
  });

  it('is shown without the beginning of a hidden text at which it was cut', async () => {
    const long = `begin ${'"line"\n'.repeat(4000)}`;

    const shown = await shownOf(new Error(`cannot read ${long}`), long);
    const escaped = await shownOf(new Error(`cannot read ${JSON.stringify([long])}`), long);

    for (const each of [shown, escaped]) {
      expect(each).toContain('cannot read');
      expect(each).not.toMatch(/begin|line/);
    }
  });

  it('is stored as its name, at most 8 KiB of its message and 16 KiB of its stack, each of its causes likewise', async () => {
    const long = (size: number) => 'x'.repeat(size);
    const fail = defineJob({
      name: 'fail',
      run: () => {
        const cause = Object.assign(new Error(long(100_000)), { stack: long(100_000) });
        throw Object.assign(new Error(long(100_000), { cause }), {
          stack: long(100_000),
          more: long(100_000),
        });
      },
    });
    const box = await createSignalbox({ store: memoryStore(), jobs: [fail], logger: keeping([]) });
    boxes.push(box);
    await box.start();
    const job = await box.queue().put(fail());
    await job.waitFor('COMPLETED');

    const { data } = (job.outcome as { failure: Failure }).failure;
    for (const each of [data, data.cause])
      expect([each?.message.length, each?.stack.length, each?.extra]).toEqual([8193, 16_385, {}]);
  });
});

describe('[S15] a codec', () => {
  const note = defineJob({ name: 'note', run: (what: unknown) => what });
  async function open(dir: string, given?: Codec): Promise<Signalbox> {
    const box = await createSignalbox({
      store: jsonStore(dir),
      jobs: [note],
      queues: [''],
      logger: keeping([]),
      ...(given && { codec: given }),
    });
    boxes.push(box);
    return box;
  }

  it.each(storeContract.map(({ name, run }) => [name, run] as const))(
    'leaves a store what it was: it %s',
    async (_name, run) => {
      await run(() => {
        const store = memoryStore();
        return { name: store.name, open: async (ports) => withCodec(await store.open(ports), codec) };
      });
    },
  );

  it('must be the one that the store was written with', async () => {
    const dir = join(newDirectory(), 'store');
    const first = await open(dir, codec);
    await first.queue().put(note(canary), { id: 'kept' });
    await first.stop();

    const errors = [await errorOf(() => open(dir)), await errorOf(() => open(dir, aesGcm(randomBytes(32))))];

    expect(errors.map(({ code, details }) => [code, (details as { actual: string }).actual])).toEqual([
      ['CODEC_MISMATCH', 'none'],
      ['CODEC_MISMATCH', 'another one'],
    ]);
    const again = await open(dir, codec);
    expect((await again.job('kept').refresh()).args).toEqual([canary]);
    // A put under the same id is the same job, although its encoding differs each time.
    await again.queue().put(note(canary), { id: 'kept' });
    expect(await again.queue().length()).toBe(1);
  });

  it('may be added to a store without a codec, and may change its key', async () => {
    const dir = join(newDirectory(), 'store');
    const [old, young] = [randomBytes(32), randomBytes(32)];
    for (const [id, given] of [
      ['a', undefined],
      ['b', aesGcm(old)],
      ['c', aesGcm(young, old)],
    ] as const) {
      const box = await open(dir, given);
      await box.queue().put(note(`${canary} ${id}`), { id });
      await box.stop();
    }

    const box = await open(dir, aesGcm(young, old));
    await box.start();
    expect(await Promise.all(['a', 'b', 'c'].map((id) => box.job(id).result()))).toEqual(
      ['a', 'b', 'c'].map((id) => `${canary} ${id}`),
    );
  });

  it('is used for each value alone: one that was changed fails its job, and no other', async () => {
    const dir = join(newDirectory(), 'store');
    const first = await open(dir, codec);
    for (const id of ['good', 'bad', 'worse', 'worst']) await first.queue().put(note(id), { id });
    await first.stop();
    forgeEntries(dir, (entry) => {
      if (entry.patch?.args === undefined) return undefined;
      if (entry.on === 'job/bad')
        entry.patch.args[0].$coded.value = entry.patch.args[0].$coded.value.replace(/^..../, 'AAAA');
      if (entry.on === 'job/worse') entry.patch.args[0].$coded = null;
      if (entry.on === 'job/worst') entry.patch.args[0].$coded.jobs = { length: 3 };
      return undefined;
    });

    const box = await open(dir, codec);
    await box.start();
    expect(await box.job('good').result()).toBe('good');
    for (const id of ['bad', 'worse'])
      await expect(box.job(id).result()).rejects.toMatchObject({ code: 'CODEC_FAILED' });
    expect(await box.job('worst').result()).toBe('worst');
  });

  it('encodes a failure whatever its error has, also what looks like an encoded value', async () => {
    const dir = join(newDirectory(), 'store');
    const looks = { $coded: { value: 'none', jobs: [] } };
    const fail = defineJob({
      name: 'fail',
      run: () => Promise.reject(Object.assign(new Error(canary), looks)),
    });
    const openIt = async (): Promise<Signalbox> => {
      const box = await createSignalbox({ store: jsonStore(dir), jobs: [fail], logger: keeping([]), codec });
      boxes.push(box);
      return box;
    };
    const first = await openIt();
    await first.start();
    const job = await first.queue().put(fail(), { id: 'a' });
    await expect(job.result()).rejects.toThrow(canary);
    await first.stop();

    expect(filesOf(dir).split(canary).length - 1).toBe(0);
    const { outcome } = await (await openIt()).job('a').refresh();
    expect(outcome).toMatchObject({ ok: false, failure: { message: canary, data: { extra: looks } } });
  });

  it('that cannot encode refuses the call, and nothing is written', async () => {
    const dir = join(newDirectory(), 'store');
    const broken: Codec = {
      encode: (value) => {
        if (value === 'signalbox') return 'known';
        throw new Error('no key today');
      },
      decode: (value) => (value === 'known' ? 'signalbox' : value),
    };
    const box = await open(dir, broken);

    await expect(box.queue().put(note(canary))).rejects.toThrow('no key today');
    expect(await box.queue().length()).toBe(0);
  });
});
