import { existsSync } from 'node:fs';
import {
  agent,
  createSignalbox,
  Dispatcher,
  defineChooser,
  defineFilter,
  defineJob,
  installAgent,
  type Job,
  local,
  memoryStore,
  NeverRetry,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { afterEach, describe, expect, it } from 'vitest';
import { closeBoxes, errorOf, keep, newPath, openBox, refusal, stores } from './boxes.ts';

afterEach(closeBoxes);

const stranger = defineJob({ name: 'stranger', run: () => 1 });

const nothing = (): void => {};
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing };

/** Casts a value that a signature forbids: a program without types may pass it. */
const wrong = (value: unknown): never => value as never;

describe.each(Object.entries(stores))('on a %s store', (_name, store) => {
  it('a job that this process does not know is refused when it is put', async () => {
    const box = await openBox(store());

    const error = await refusal(box, () => box.queue().put(stranger()));

    expect([error.code, error.message]).toEqual([
      'UNKNOWN_DEFINITION',
      expect.stringContaining('Expected "stranger" to be a job definition of this process'),
    ]);
    expect(error.message).toContain('registered: "keep"');
  });

  it('another definition under a known name is refused when it is put', async () => {
    const box = await openBox(store());
    const impostor = defineJob({ name: 'keep', run: () => 2 });

    const error = await refusal(box, () => box.queue().put(impostor()));
    expect([error.code, error.message]).toEqual([
      'UNKNOWN_DEFINITION',
      expect.stringContaining('that is registered in this process, got another one of that name'),
    ]);
    expect((await refusal(box, () => box.define(impostor))).code).toBe('DUPLICATE_DEFINITION');
  });

  it('a job whose definition is unknown waits, is refused by box.call, and holds up nothing else', async () => {
    const shared = store();
    const first = await openBox(shared, [stranger]);
    const { id } = await first.queue().put(stranger());
    await first.stop();
    const second = await openBox(shared);
    await second.start();

    const next = await second.queue().put(keep('fine'));

    expect(await next.result()).toBe('fine');
    const waiting = await second.job(id as string).refresh();
    expect(waiting.status).toBe('PENDING');
    const pulled = await second.queue().pull();
    await expect(second.call(pulled)).rejects.toMatchObject({ code: 'UNKNOWN_DEFINITION' });
    expect((await pulled.refresh()).status).toBe('NEW');
  });

  it.each([
    ['an arrow function', () => 1, 'function (anonymous)'],
    ['a named function', function send() {}, 'function send'],
    ['text', 'keep', "'keep'"],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an object', { name: 'keep' }, 'Object'],
  ])('%s instead of a job is refused when it is put', async (_what, item, got) => {
    const box = await openBox(store());

    const error = await refusal(box, () => box.queue().put(wrong(item)));

    expect([error.code, error.message]).toEqual([
      'ANONYMOUS_FUNCTION',
      expect.stringContaining(`got ${got}`),
    ]);
    expect(error.message).toContain('defineJob({ name, run })');
  });

  it('a callback that is a bare function is refused', async () => {
    const box = await openBox(store());
    const job = await box.queue().put(keep(1));

    expect((await refusal(box, () => job.addCallback(wrong(() => 1)))).code).toBe('ANONYMOUS_FUNCTION');
  });

  it('an unknown queue is refused, and the known ones are named', async () => {
    const box = await openBox(store());

    const error = await refusal(box, () => box.queue('b').put(keep(1)));

    expect([error.code, error.message]).toEqual([
      'QUEUE_NOT_FOUND',
      expect.stringContaining('Expected queue "b" to exist, found "", "a"'),
    ]);
  });

  it('an unknown quota is refused, and the known ones are named, wherever it is given', async () => {
    const box = await openBox(store());
    await box.queue().quotas.create('disk');
    const waiting = await box.queue().put(keep(1));

    const errors = [
      await refusal(box, () => box.queue().put(keep(1).with({ quotaNames: ['disk', 'disc'] }))),
      await refusal(box, () => box.queue().put(keep(1), { quotaNames: ['disc'] })),
      await refusal(box, () => waiting.setQuotaNames(['disc'])),
      await refusal(box, () => box.queue().quotas.set('disc', { size: 2 })),
      await refusal(box, () => box.queue().quotas.remove('disc')),
      await refusal(box, () => box.queue().quotas.get('disc')),
    ];

    for (const error of errors) {
      expect(error.code).toBe('QUOTA_NOT_FOUND');
      expect(error.message).toContain('Expected quota "disc" to exist in queue "", found "disk"');
    }
  });

  it('quota names that are text or not names are refused, wherever they are given', async () => {
    const box = await openBox(store());
    const pulled = await box.queue().put(keep(1));
    await box.queue().remove(pulled);

    const errors = [
      await refusal(box, () => keep(1).with({ quotaNames: wrong('disk') })),
      await refusal(box, () => {
        keep(1).quotaNames = wrong('disk');
      }),
      await refusal(box, () => box.queue().put(keep(1), { quotaNames: wrong('disk') })),
      await refusal(box, () => box.queue().put(pulled, { quotaNames: wrong('disk') })),
      await refusal(box, () => pulled.setQuotaNames(wrong('disk'))),
      await refusal(box, () => keep(1).with({ quotaNames: wrong([1]) })),
      await refusal(box, () => defineJob({ name: 'x', run: () => 1, quotas: wrong('disk') })),
    ];

    for (const error of errors)
      expect(error.message).toMatch(/to be a list of names, got .+\. Write \[name\]\./);
  });

  it.each([0, -1, 1.5, Number.NaN, '3'])('a quota of size %s is refused', async (size) => {
    const box = await openBox(store());
    await box.queue().quotas.create('disk');

    for (const attempt of [
      () => box.queue().quotas.set('disk', { size: wrong(size) }),
      () => box.queue().quotas.create('net', { size: wrong(size) }),
    ]) {
      expect((await refusal(box, attempt)).message).toContain(
        'Expected `size` to be a whole number from 1 up',
      );
    }
  });

  it.each([undefined, null, 'job-1', {}])('a value that is not a job (%j) cannot be removed', async (job) => {
    const box = await openBox(store());

    const error = await refusal(box, () => box.queue().remove(wrong(job)));

    expect([error.code, error.message]).toEqual([
      'INVALID_OPTION',
      expect.stringContaining('Expected `job` to be a job, got '),
    ]);
  });

  it('a second quota of a name is refused', async () => {
    const box = await openBox(store());
    await box.queue().quotas.create('disk');

    expect((await refusal(box, () => box.queue().quotas.create('disk', { size: 5 }))).code).toBe(
      'QUOTA_EXISTS',
    );
  });

  it.each([
    ['without an offset', '2030-01-31T10:00:00'],
    ['without a time', '2030-01-31'],
    ['that is no date', '2030-13-45T10:00:00Z'],
    ['that is an invalid Date', new Date(Number.NaN)],
    ['that is not a number', Number.NaN],
    ['that is words', 'tomorrow'],
    ['that is a list', []],
    ['that is true', true],
  ])('an instant %s is refused', async (_what, beginAfter) => {
    const box = await openBox(store());
    const pulled = await box.queue().put(keep(1));
    await box.queue().remove(pulled);
    const representation = await box.queue().dispatchers.register('a');

    expect(await refusal(box, () => representation.setActivated(wrong(beginAfter)))).toMatchObject({
      code: 'INVALID_INSTANT',
      message: expect.stringContaining('Expected `at` to be an instant'),
    });
    for (const attempt of [
      () => box.queue().put(keep(1), { beginAfter: wrong(beginAfter) }),
      () => box.queue().put(pulled, { beginAfter: wrong(beginAfter) }),
      () => pulled.setBeginAfter(wrong(beginAfter)),
    ]) {
      const error = await refusal(box, attempt);
      expect([error.code, error.message]).toEqual([
        'INVALID_INSTANT',
        expect.stringContaining('Expected `beginAfter` to be an instant'),
      ]);
    }
  });

  it.each([-1, '-5m', Number.NaN, Number.POSITIVE_INFINITY, '5', '5 m', '', '5 minutes', {}, true])(
    'a duration of %j is refused',
    async (duration) => {
      const box = await openBox(store());
      const job = await box.queue().put(keep(1));
      const bad = wrong(duration);

      for (const attempt of [
        () => box.queue().put(keep(1), { beginBy: bad }),
        () => box.queue().put(keep(1), { beginAfter: { after: bad } }),
        () => job.setBeginBy(bad),
        () => job.result({ timeout: bad }),
        () => job.waitFor('COMPLETED', { timeout: bad }),
        () => box.stop({ grace: bad }),
        () => box.start({ pollInterval: bad }),
      ]) {
        const error = await errorOf(attempt);
        expect([error.code, error.message]).toEqual([
          'INVALID_DURATION',
          expect.stringContaining('to be a duration of zero or more'),
        ]);
      }
      expect(await box.queue().length()).toBe(1);
      expect(box.state).toBe('running');
    },
  );

  it('an unknown log level is refused, wherever it is given', async () => {
    const box = await openBox(store());
    const pulled = await box.queue().put(keep(1));
    await box.queue().remove(pulled);
    const failureLogLevel = wrong('LOUD');

    for (const attempt of [
      () => defineJob({ name: 'x', run: () => 1, failureLogLevel }),
      () => box.queue().put(keep(1), { failureLogLevel }),
      () => box.queue().put(pulled, { failureLogLevel }),
    ]) {
      const error = await refusal(box, attempt);
      expect(error.message).toContain(
        "Expected `failureLogLevel` to be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got 'LOUD'",
      );
    }
  });

  it('an unknown status cannot be waited for', async () => {
    const box = await openBox(store());
    const job = await box.queue().put(keep(1));

    expect((await refusal(box, () => job.waitFor(wrong('DONE')))).message).toContain("COMPLETED, got 'DONE'");
  });

  it('an invalid seq is refused', async () => {
    const box = await openBox(store());

    for (const from of [Number.NaN, 1.5, Number.POSITIVE_INFINITY, wrong('first')])
      expect((await refusal(box, () => box.entries(from))).message).toContain(
        'Expected `from` to be a whole number from 0 up',
      );
  });

  it('a place beyond the queue is refused', async () => {
    const box = await openBox(store());
    await box.queue().put(keep(1));

    for (const index of [1, -2, 0.5]) {
      expect((await refusal(box, () => box.queue().pull(index))).code).toBe('INDEX_OUT_OF_RANGE');
    }
  });

  it('a job that is put twice is refused the second time', async () => {
    const box = await openBox(store());
    const job = await box.queue().put(keep(1));

    for (const name of ['', 'a']) {
      const error = await refusal(box, () => box.queue(name).put(job));
      expect(error.message).toContain('to accept job.put, got status PENDING, which refuses it');
    }
  });

  it('an id that another job has is refused; the same job under its id is acknowledged and not doubled', async () => {
    const box = await openBox(store());
    await box.queue().put(keep(1), { id: 'mine' });

    expect((await refusal(box, () => box.queue().put(keep(2), { id: 'mine' }))).code).toBe('JOB_EXISTS');
    await box.queue().put(keep(1), { id: 'mine' });
    expect(await box.queue().length()).toBe(1);
  });

  it.each([
    ['an unknown quota', { beginBy: '1h', quotaNames: ['disc'] }],
    ['an id that another job has', { beginBy: '1h', id: 'taken' }],
    ['one that is wrong among good ones', { id: 'mine', failureLogLevel: wrong('LOUD') }],
    ['arguments that are no JSON', { beginBy: '1h', id: 'mine' }],
  ] as const)(
    'a draft whose put is refused for %s is as it was, and can be put again',
    async (why, options) => {
      const box = await openBox(store());
      await box.queue().put(keep(0), { id: 'taken' });
      const draft = keep(1).with({ beginBy: '5m', quotaNames: [] });
      const before = { ...draft.settings };
      if (why === 'arguments that are no JSON') draft.args = [new Date(0)];

      await refusal(box, () => box.queue().put(draft, options));
      const after = { ...draft.settings };
      draft.args = [1];
      await box.queue().put(draft);

      expect(after).toEqual(before);
      expect([draft.status, draft.beginBy, draft.quotaNames]).toEqual(['PENDING', 300_000, []]);
      expect(['mine', 'taken']).not.toContain(draft.id);
    },
  );

  it('a job outside queues cannot be removed from one, and a job that does not exist cannot be read', async () => {
    const box = await openBox(store());
    const elsewhere = await box.queue('a').put(keep(1));

    expect((await refusal(box, () => box.queue().remove(elsewhere))).code).toBe('JOB_NOT_WAITING');
    expect((await refusal(box, () => box.job('missing').refresh())).code).toBe('JOB_NOT_FOUND');
    expect((await refusal(box, () => box.job('missing').result({ timeout: '1s' }))).code).toBe(
      'JOB_NOT_FOUND',
    );
    expect((await refusal(box, () => keep(1).result())).code).toBe('BAD_STATUS');
  });

  it('settings of a stored job are refused as properties, and the way to change them is named', async () => {
    const box = await openBox(store());
    const job = await box.queue().put(keep(1));

    for (const attempt of [
      () => {
        job.args = [2];
      },
      () => job.with({ beginBy: '1h' }),
      () => job.setBeginAfter('5m'),
    ]) {
      expect((await refusal(box, attempt)).code).toBe('BAD_STATUS');
    }
  });

  it('awaiting its own uncommitted child is refused within a job, and says what to do instead', async () => {
    const waits = defineJob({
      name: 'waits',
      run: async () => {
        const child = await local.getQueue().put(keep(1));
        return child.result();
      },
    });
    const box = await openBox(store(), [waits]);
    await box.start();

    const job = await box.queue().put(waits());

    await expect(job.result()).rejects.toMatchObject({ code: 'AWAITED_OWN_CHILD' });
    await expect(job.result()).rejects.toThrow('Return the job instead');
    expect(await box.queue().length()).toBe(0);
  });

  it('an unknown option, for example a misspelt one, is refused wherever it is given', async () => {
    const box = await openBox(store());
    const job = await box.queue().put(keep(1));
    const pulled = await box.queue('a').put(keep(2));
    await box.queue('a').remove(pulled);
    const path = newPath();
    const dispatcher = new Dispatcher(box, { uuid: 'asked' });

    for (const attempt of [
      () => box.queue().put(keep(1), wrong({ oops: '5m' })),
      () => box.queue('a').put(pulled, wrong({ oops: '5m' })),
      () => box.queue().putAll([keep(1)], wrong({ oops: '5m' })),
      () => keep(1).with(wrong({ oops: '5m' })),
      () => job.addCallback(keep, wrong({ oops: '5m' })),
      () => job.addCallbacks(wrong({ oops: keep })),
      () => box.start(wrong({ oops: '1s' })),
      () => box.stop(wrong({ oops: '30s' })),
      () => new Dispatcher(box, wrong({ uuid: 'another', oops: '1s' })),
      () => job.result(wrong({ oops: '5s' })),
      () => job.waitFor('COMPLETED', wrong({ oops: '5s' })),
      () => dispatcher.getPollInfo(wrong({ oops: new Date(0) })),
      () => [...dispatcher.iterPolls(wrong({ oops: 3 }))],
      () => dispatcher.getStatistics(wrong({ oops: 'main' })),
      () => dispatcher.getActiveJobIds(wrong({ oops: 'main' })),
      () => agent(wrong({ oops: 3 })),
      () => defineJob(wrong({ name: 'x', run: () => 1, oops: NeverRetry })),
      () => createSignalbox(wrong({ store: memoryStore(), oops: [keep] })),
      () => memoryStore(wrong({ oops: 1 })),
      () => jsonStore(path, wrong({ oops: '1d' })),
      () => postgresStore(wrong({ connectionString: 'postgres://app@db/app', oops: '1d' })),
    ]) {
      const error = await refusal(box, attempt);
      expect([error.code, error.message]).toEqual([
        'INVALID_OPTION',
        expect.stringMatching(/^Expected `oops` to be absent: only \w+.* (is|are) known, got /),
      ]);
    }
    expect(await box.queue().put(keep(1), wrong({ oops: undefined }))).toMatchObject({ status: 'PENDING' });
  });

  it.each([
    ['a function', () => false],
    ['a number', 5],
    ['an object without a name', { jobError: () => false }],
    ['empty text', ''],
  ])('a retry policy that is %s is refused, wherever it is given', async (_what, policy) => {
    const box = await openBox(store());
    const waiting = await box.queue().put(keep(1));

    for (const attempt of [
      () => box.queue().put(keep(1), { retryPolicy: wrong(policy) }),
      () => box.queue().put(keep(1).with({ retryPolicy: wrong(policy) })),
      () => waiting.setRetryPolicy(wrong(policy)),
      () => box.definePolicy(wrong(policy)),
      () => defineJob({ name: 'x', run: () => 1, retry: wrong(policy) }),
      () => createSignalbox({ store: memoryStore(), retryPolicies: { '': wrong(policy) } }),
    ]) {
      expect((await refusal(box, attempt)).message).toMatch(/^Expected (the name of a |a )?`?retry policy/);
    }
  });

  it('a transaction that is used after its end is refused', async () => {
    const box = await openBox(store());
    let kept: { queue(name?: string): ReturnType<typeof box.queue> } | null = null;
    await expect(
      box.transaction((tx) => {
        kept = tx;
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');

    const error = await refusal(box, () => kept?.queue().put(keep(1)));

    expect(error.code).toBe('TRANSACTION_ENDED');
  });

  it('a transaction that is used after its commit is refused, and handles that were made in it still work', async () => {
    const box = await openBox(store());
    await box.queue('a').put(keep(0));
    const { tx, job, found } = await box.transaction(async (tx) => {
      const job = await tx.queue().put(keep(1));
      return { tx, job, found: await tx.queue('a').at(0) };
    });

    const error = await refusal(box, () => tx.queue().put(keep(2)));

    expect([error.code, error.message]).toEqual([
      'TRANSACTION_ENDED',
      expect.stringContaining('Expected tx.queue() to be used before the end of its transaction'),
    ]);
    await job.setAnnotation('by', 'its maker');
    await found.setAnnotation('also', 'by who found it');
    expect((await job.refresh()).annotations).toEqual({ by: 'its maker' });
    expect((await found.refresh()).annotations).toEqual({ also: 'by who found it' });
  });

  it('a call on a box that was stopped says that its store is closed, for reads and for writes', async () => {
    const box = await openBox(store());
    const job = await box.queue().put(keep(1));
    await box.stop();

    for (const call of [() => job.refresh(), () => box.queue().length(), () => box.queue().put(keep(2))])
      expect(await errorOf(call)).toMatchObject({
        code: 'STORE_CLOSED',
        message: expect.stringMatching(/open for a call, got a closed one\. .* create a new Signalbox/),
      });
  });

  it('a call of local that returns a promise rejects outside a job, and does not throw', async () => {
    const calls = [
      () => local.transaction(async () => 1),
      () => local.setLiveAnnotation('a', 1),
      () => local.getLiveAnnotation('a'),
    ];

    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'NO_CURRENT_JOB' });
  });

  it('a listener of local.signal runs inside its job', async () => {
    const ids: unknown[] = [];
    let begun: () => void = nothing;
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const endless = defineJob({
      name: 'endless',
      run: () =>
        new Promise<void>((resolve) => {
          local.signal.addEventListener('abort', () => {
            ids.push(local.getJob()?.id);
            resolve();
          });
          begun();
        }),
    });
    const box = await openBox(store(), [endless]);
    await box.start();
    const job = await box.queue().put(endless());
    await isBegun;

    await box.stop();

    expect(ids).toEqual([job.id]);
  });

  it('an annotation of a job that does not exist is refused, and leaves nothing', async () => {
    const codes: unknown[] = [];
    const codeOf = (error: { code: string }) => error.code;
    const annotate = defineJob({
      name: 'annotate',
      async run() {
        const lost = box.job('missing');
        codes.push(await lost.setAnnotation('note', 1).catch(codeOf));
        codes.push(await local.setLiveAnnotation('note', 1, lost).catch(codeOf));
      },
    });
    const box = await openBox(store(), [annotate]);
    await box.start();

    await (await box.queue().put(annotate())).result();

    expect(codes).toEqual(['JOB_NOT_FOUND', 'JOB_NOT_FOUND']);
    expect(await box.store.list('annotation', '')).toEqual([]);
  });

  it('a put that a transaction does not wait for is refused, and never made apart from it', async () => {
    const box = await openBox(store());
    const puts: Promise<unknown>[] = [];

    const attempt = async () => {
      await box.transaction((tx) => {
        puts.push(tx.queue().put(keep(1)), tx.queue('a').putAll([keep(2)]));
      });
      await Promise.any(puts);
    };

    await expect(attempt()).rejects.toBeInstanceOf(AggregateError);
    for (const put of puts) await expect(put).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });
    expect([await box.queue().length(), await box.queue('a').length()]).toEqual([0, 0]);
  });

  it('a queue of a job that is used after its end is refused by its name', async () => {
    const late: Promise<unknown>[] = [];
    const careless = defineJob({
      name: 'careless',
      run: () => {
        late.push(errorOf(() => local.getQueue().put(keep(1))));
      },
    });
    const box = await openBox(store(), [careless]);
    await box.start();

    await (await box.queue().put(careless())).result();

    expect(await late[0]).toMatchObject({
      code: 'TRANSACTION_ENDED',
      message: expect.stringContaining('Expected local.getQueue() or local.getJob() to be used before'),
    });
  });

  it('a failing transaction writes nothing of what it did', async () => {
    const box = await openBox(store());

    const error = await refusal(box, () =>
      box.transaction(async (tx) => {
        await tx.queue().put(keep(1));
        await tx.queue('a').put(keep(new Date(0)));
      }),
    );

    expect(error.code).toBe('ARGS_NOT_JSON');
  });

  it('local is refused outside a job', async () => {
    const box = await openBox(store());

    for (const attempt of [
      () => local.getQueue(),
      () => local.setLiveAnnotation('a', 1),
      () => local.getLiveAnnotation('a'),
      () => local.signal,
    ]) {
      const error = await refusal(box, attempt);
      expect([error.code, error.message]).toEqual([
        'NO_CURRENT_JOB',
        expect.stringContaining('got a call outside any job'),
      ]);
    }
    expect(local.getJob()).toBeNull();
  });

  it('a hook or a listener that is not a function, and an unknown event, are refused', async () => {
    const box = await openBox(store());

    const errors = [
      await refusal(box, () => box.on(wrong('dispatcherStarted'), nothing)),
      await refusal(box, () => box.on('dispatcherActivated', wrong(undefined))),
      await refusal(box, () => box.listen(wrong(null))),
    ];

    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('Expected `event` to be one of dispatcherRegistered, dispatcherActivated'),
      expect.stringContaining('Expected `hook` to be a function, got undefined'),
      expect.stringContaining('Expected `listener` to be a function, got null'),
    ]);
  });

  it.each([{ size: 3 }, 5, 'main'])(
    'settings %j that agent() has not made are refused, and nothing starts',
    async (settings) => {
      const box = await openBox(store());

      const errors = [
        await refusal(box, () => box.start({ agent: wrong(settings) })),
        await refusal(box, () => installAgent(box, { name: 'mailer', settings: wrong(settings) })),
      ];

      for (const { message } of errors)
        expect(message).toContain('to be what agent({ size, filter, chooser }) returns');
      expect(box.dispatchers.size).toBe(0);
      expect((await box.start()).getPollInfo().queues['']?.main?.size).toBe(3);
    },
  );

  it('starting twice is refused, and the first start continues', async () => {
    const box = await openBox(store());
    await box.start();

    const error = await errorOf(() => box.start());

    expect([error.code, error.message]).toEqual(['DISPATCHER_STATE', expect.stringContaining('got state')]);
    expect(await (await box.queue().put(keep('still'))).result()).toBe('still');
  });

  it('a second dispatcher under the same UUID, and invalid sizes, are refused', async () => {
    const box = await openBox(store());
    await box.start();

    expect((await errorOf(() => new Dispatcher(box))).code).toBe('DISPATCHER_EXISTS');
    for (const size of [0, -1, 1.5, wrong('9')]) {
      for (const options of [{ jobsSize: size }, { pollsSize: size }]) {
        const error = await errorOf(() => new Dispatcher(box, { uuid: `d${size}`, ...options }));
        expect(error.code).toBe('INVALID_OPTION');
      }
    }
    expect([...box.dispatchers.keys()]).toEqual([box.uuid]);
  });

  it('every call is refused after stop, and a wait for a result is rejected', async () => {
    const box = await openBox(store());
    const job: Job<unknown> = await box.queue().put(keep(1));
    const waiting = errorOf(() => job.result());
    await box.stop();

    expect((await waiting).code).toBe('STORE_CLOSED');
    for (const attempt of [
      () => box.queue().put(keep(1)),
      () => box.createQueue('b'),
      () => box.queue().length(),
      () => box.queue().quotas.create('disk'),
      () => box.transaction((tx) => tx.queue().put(keep(1))),
      () => job.refresh(),
      () => job.result(),
      () => job.setAnnotation('a', 1),
    ]) {
      expect((await errorOf(attempt)).code).toBe('STORE_CLOSED');
    }
    expect((await errorOf(() => box.start())).code).toBe('BOX_STOPPED');
    await box.stop();
  });
});

describe('an agent', () => {
  it.each([0, -1, 2.5, Number.NaN, '3'])('of size %s is refused', async (size) => {
    expect((await errorOf(() => agent({ size: wrong(size) }))).message).toContain(
      'Expected `size` to be a whole number from 1 up',
    );
  });

  it('with a filter and a chooser is refused', async () => {
    const both = { filter: { jobs: ['a'] }, chooser: defineChooser('c', () => null) };

    expect((await errorOf(() => agent(both))).code).toBe('CHOOSER_AND_FILTER');
  });

  it.each([
    ['text', 'mail.*'],
    ['a list', ['mail.*']],
    ['a function', () => true],
    ['an unknown part', { job: ['a'] }],
    ['patterns that are no list', { jobs: 'mail.*' }],
    ['patterns that are no text', { jobs: [1] }],
    ['args that are a list', { args: ['x'] }],
    ['args that are no JSON', { args: { '0': new Date(0) } }],
  ])('with a filter that is %s is refused', async (_what, filter) => {
    const error = await errorOf(() => agent({ filter: wrong(filter) }));

    expect(error.message).toMatch(/^Expected `?(filter|args)/);
  });

  it.each([
    ['a function', () => null],
    ['text', 'mine'],
    ['an object', {}],
  ])('with a chooser that is %s is refused, and the error says how to name it', async (_what, chooser) => {
    const error = await errorOf(() => agent({ chooser: wrong(chooser) }));

    expect(error.message).toContain("defineChooser('name', choose)");
  });

  it('with a filter by a name that is not registered claims nothing, and its poll says so', async () => {
    const shared = (stores.memory as () => ReturnType<(typeof stores)['memory']>)();
    const first = await openBox(shared);
    const filter = defineFilter('onlyHere', () => true);
    const uuid = 'd'.repeat(8);
    await first.queue().dispatchers.register(uuid);
    await (await first.queue().dispatchers.get(uuid)).agents.set('main', agent({ filter }));
    await first.stop();
    const second = await openBox(shared, [], { uuid, logger: silent });
    await second.queue().put(keep(1));

    const dispatcher = await second.start();

    expect(dispatcher.getPollInfo().queues['']?.main?.error).toContain(
      'Expected filter "onlyHere" to be registered',
    );
    expect(await second.queue().length()).toBe(1);
  });
});

describe('createSignalbox', () => {
  it.each([undefined, null, 'data/jobs', {}, { name: 'main' }])(
    'without a store (%j) is refused',
    async (store) => {
      const error = await errorOf(() => openBox(wrong(store)));

      expect([error.code, error.message]).toEqual([
        'INVALID_OPTION',
        expect.stringContaining('Expected `store` to be a store'),
      ]);
    },
  );

  it.each([
    ['jobs', keep],
    ['jobs', { keep }],
    ['queues', 'mail'],
    ['filters', {}],
    ['choosers', 'mine'],
    ['conditions', {}],
    ['retryPolicies', [NeverRetry]],
    ['limits', 5],
    ['logger', 'info'],
    ['logger', { debug: nothing, info: nothing, warn: nothing }],
    ['codec', 'aes'],
    ['codec', { encode: () => null }],
    ['reactor', {}],
    ['clock', {}],
    ['ids', {}],
    ['files', {}],
  ])('with %s of another shape is refused, and nothing is opened', async (option, value) => {
    const path = newPath();

    const error = await errorOf(() => createSignalbox({ store: jsonStore(path), [option]: value }));

    expect([error.code, error.message]).toEqual([
      'INVALID_OPTION',
      expect.stringContaining(`Expected \`${option}\` to be a`),
    ]);
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['filters', () => true],
    ['filters', { accepts: () => true }],
    ['filters', { filterName: 'small' }],
    ['choosers', () => null],
    ['choosers', { chooserName: 'small' }],
    ['conditions', () => true],
    ['conditions', { conditionName: 'small' }],
    ['conditions', null],
  ])(
    'with an invalid one among its %s is refused, and the error says how to make it',
    async (option, value) => {
      const error = await errorOf(() => createSignalbox({ store: memoryStore(), [option]: [value] }));

      expect([error.code, error.message]).toEqual([
        'INVALID_OPTION',
        expect.stringMatching(
          /^Expected `(filter|chooser|condition)` to be .* define(Filter|Chooser|Condition)\(/,
        ),
      ]);
    },
  );

  it('takes null for what is not given', async () => {
    const none = { logger: null, ids: null, codec: null, clock: null, limits: null, jobs: null };

    const box = await createSignalbox(wrong({ store: memoryStore(), ...none }));

    expect(box.state).toBe('running');
    await box.stop();
  });

  it.each([
    ['setUp', 5],
    ['tearDown', 'close'],
    ['context', {}],
    ['context', { getStore: () => 1 }],
  ])('knows no job whose %s is %j', async (option, value) => {
    const error = await errorOf(() => defineJob({ name: 'x', run: () => 1, [option]: value }));

    expect(error.message).toMatch(/^Expected `(setUp|tearDown|context)` to be a/);
  });

  it('with an invalid job, one name twice, or a reserved name is refused', async () => {
    const store = (): never => wrong((stores.memory as () => unknown)());
    const twin = defineJob({ name: 'keep', run: () => 1 });

    expect((await errorOf(() => openBox(store(), [wrong(() => 1)]))).code).toBe('ANONYMOUS_FUNCTION');
    expect((await errorOf(() => openBox(store(), [twin]))).code).toBe('DUPLICATE_DEFINITION');
    expect((await errorOf(() => defineJob({ name: 'signalbox.fail', run: () => 1 }))).code).toBe(
      'INVALID_OPTION',
    );
    expect((await errorOf(() => defineJob({ name: 'x', run: wrong('code') }))).code).toBe('INVALID_OPTION');
  });
});
