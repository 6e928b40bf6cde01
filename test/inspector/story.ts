import type { EndingName, ExplanationView } from '../../src/inspector/protocol/explanation.ts';
import type {
  AttemptView,
  ChangeView,
  EdgeName,
  HistoryLine,
  JobView,
  PossibleEvent,
  StateVisits,
  TakenEdge,
} from '../../src/inspector/protocol/job.ts';
import type { FailureView, Tree } from '../../src/inspector/protocol/tree.ts';

/** One story, told without a store: a payment that failed three times, and its retry, which a full quota holds. */
export const storyNow = Date.parse('2026-11-30T14:03:22.480');
export const storySeq = 90_238;

const at = (clock: string): number => Date.parse(`2026-11-30T${clock}`);
const text = (value: string): Tree => ({ is: 'text', text: value, more: 0 });
const number = (value: number): Tree => ({ is: 'number', value });
const object = (value: Readonly<Record<string, Tree>>): Tree => ({
  is: 'object',
  entries: Object.entries(value),
  more: 0,
});
const list = (...items: readonly Tree[]): Tree => ({ is: 'list', items, more: 0 });

const failure: FailureView = {
  name: 'Error',
  message: 'connect ECONNRESET 10.0.0.7:443',
  code: 'ECONNRESET',
  frames: [
    { text: 'at chargeCard (src/payments.ts:88:19)', isOwn: true, place: 'payments.ts:88' },
    { text: 'at payments.charge (src/payments.ts:41:9)', isOwn: true, place: 'payments.ts:41' },
    { text: 'at TLSSocket.onConnectEnd (node:_tls_wrap:1727:19)', isOwn: false, place: null },
    {
      text: 'at process.processTicksAndRejections (node:internal/process/task_queues:90:21)',
      isOwn: false,
      place: null,
    },
  ],
  cause: null,
  extra: object({ syscall: text('connect'), address: text('10.0.0.7:443') }),
};

const edges: readonly (EdgeName & { readonly count: number })[] = [
  { source: 'new', event: 'job.put', guard: 'not isCallback', target: 'pending', count: 1 },
  { source: 'pending', event: 'job.claim', guard: null, target: 'assigned', count: 3 },
  { source: 'assigned', event: 'job.start', guard: null, target: 'active', count: 3 },
  { source: 'active', event: 'job.reschedule', guard: 'not isCallback', target: 'pending', count: 2 },
  { source: '', event: 'failureLogLevel.set', guard: null, target: null, count: 1 },
  { source: 'active.running', event: 'job.finish', guard: 'isAwaited', target: 'callbacks', count: 1 },
  {
    source: 'callbacks',
    event: 'job.complete',
    guard: 'everyCallbackStarted',
    target: 'completed',
    count: 1,
  },
];

const told: readonly (readonly [
  number,
  string,
  number,
  string,
  string,
  string | null,
  number,
  string | null,
])[] = [
  [87_888, '14:00:31.004', 0, 'client', 'new', 'pending', 0, 'into default, quota payments'],
  [87_889, '14:00:31.008', 1, 'd10f', 'pending', 'assigned', 4, null],
  [87_890, '14:00:31.008', 2, 'd10f', 'assigned', 'active.running', 0, null],
  [87_899, '14:00:31.620', 3, 'd10f', 'active.running', 'pending', 612, 'ECONNRESET, again in 5 s'],
  [87_970, '14:00:36.726', 1, 'd10f', 'pending', 'assigned', 5106, null],
  [87_971, '14:00:36.727', 2, 'd10f', 'assigned', 'active.running', 1, null],
  [87_975, '14:00:36.958', 3, 'd10f', 'active.running', 'pending', 231, 'ECONNRESET, again in 30 s'],
  [88_131, '14:00:48.440', 4, 'client', 'pending', 'pending', 11_482, 'warn → error'],
  [88_411, '14:01:09.218', 1, 'd10f', 'pending', 'assigned', 20_778, null],
  [88_412, '14:01:09.220', 2, 'd10f', 'assigned', 'active.running', 2, null],
  [88_416, '14:01:09.458', 5, 'd10f', 'active.running', 'callbacks', 238, 'ECONNRESET, the policy gave up'],
  [88_419, '14:01:09.461', 6, 'd10f', 'callbacks', 'completed', 3, null],
];

const change = (key: string, before: Tree | null, after: Tree | null): ChangeView => ({ key, before, after });
const changed: Readonly<Record<number, readonly ChangeView[]>> = {
  87888: [
    change('args', null, list(object({ order: text('A-20931'), amount: number(14_900) }))),
    change('parent', null, object({ queue: text('default') })),
    change('order', null, list(text('now'), number(87_888))),
    change('quotaNames', null, list(text('payments'))),
  ],
  88412: [change('activeStart', null, number(at('14:01:09.220'))), change('attempts', number(2), number(3))],
  88416: [
    change('outcome', null, object({ ok: { is: 'boolean', value: false }, failure: text('Error') })),
    change('activeEnd', null, number(at('14:01:09.458'))),
    change('quotas', list(text('default/payments')), list()),
    change('retryData', object({ errors: number(2) }), object({ errors: number(3) })),
  ],
  88419: [change('ending', null, text('failed')), change('callbacksEnd', null, number(at('14:01:09.461')))],
};

const lines: readonly HistoryLine[] = told.map(([seq, clock, edge, by, from, to, after, note], index) => ({
  seq,
  at: at(clock),
  afterMs: index === 0 ? null : after,
  event: edges[edge]?.event ?? '',
  by,
  epoch: 3,
  from,
  to,
  ending: to === 'completed' ? ('failed' as EndingName) : null,
  note,
  edge,
  changes: changed[seq] ?? [],
}));

const visits = (state: string, count: number, ms: number, isNow = false): StateVisits => ({
  state,
  visits: count,
  ms,
  isNow,
  isKnown: true,
});

const attempt = (n: number, started: string, heldMs: number, waitMs: number, runMs: number): AttemptView => ({
  n,
  from: null,
  heldMs,
  waitMs,
  runMs,
  startedAt: at(started),
  ending: 'failed',
  failure,
});

const explanation = (view: Partial<ExplanationView>): ExplanationView => ({
  job: '',
  name: 'payments.charge',
  status: 'COMPLETED',
  attempts: 3,
  at: storyNow,
  verdict: { code: 'completed', text: '', remedy: '' },
  conditions: [],
  because: [],
  ...view,
});

const args = [
  object({
    order: text('A-20931'),
    amount: number(14_900),
    currency: text('EUR'),
    card: { is: 'hidden', why: 'redacted' },
  }),
  object({ capture: { is: 'boolean', value: true }, idempotencyKey: text('A-20931/1') }),
];

/** The payment that failed. */
export const failedPayment: JobView = {
  id: 'XFw7sWyu47UkwOwnr8mvF',
  name: 'payments.charge',
  status: 'COMPLETED',
  state: 'completed',
  ending: 'failed',
  queue: 'default',
  agent: { name: 'main', dispatcher: 'd10f' },
  parent: null,
  quotas: ['payments'],
  attempts: 3,
  putAt: at('14:00:31.004'),
  beginAfter: at('14:00:31.004'),
  totalMs: 38_457,
  machine: { name: 'job@1', stepped: 'job@1', isCurrent: true },
  explanation: explanation({
    job: 'XFw7sWyu47UkwOwnr8mvF',
    verdict: {
      code: 'completed',
      text: 'it is over: it failed, Error: connect ECONNRESET 10.0.0.7:443',
      remedy: 'Repair the cause, and put it again.',
    },
  }),
  states: [
    visits('', 1, 38_457, true),
    visits('new', 0, 0),
    visits('pending', 3, 37_370),
    visits('assigned', 3, 3),
    visits('active', 3, 1081),
    visits('active.running', 3, 1081),
    visits('active.waiting', 0, 0),
    visits('callbacks', 1, 3),
    visits('completed', 1, 133_000, true),
  ],
  taken: edges.map((edge): TakenEdge => ({ ...edge, isLast: edge.event === 'job.complete', isKnown: true })),
  next: [],
  history: { count: lines.length, lines, before: null, isCut: false, keptFrom: 41_003 },
  tries: [
    attempt(1, '14:00:31.008', 0, 4, 612),
    attempt(2, '14:00:36.727', 5000, 106, 231),
    attempt(3, '14:01:09.220', 30_000, 2260, 238),
  ],
  args,
  outcome: { ok: false, failure },
  annotations: [{ name: 'gateway', value: text('acquirer-2'), at: at('14:01:09.230') }],
  callbacks: {
    nodes: [
      {
        is: 'proxy',
        id: 'p1',
        branches: [
          {
            when: 'succeeded',
            isChosen: false,
            job: {
              is: 'job',
              id: 'c1',
              name: 'orders.ship',
              status: 'NEW',
              state: 'new',
              ending: null,
              outcome: null,
              runMs: null,
              callbacks: { nodes: [], more: 0 },
            },
          },
          {
            when: null,
            isChosen: true,
            job: {
              is: 'job',
              id: 'c2',
              name: 'orders.release',
              status: 'COMPLETED',
              state: 'completed',
              ending: 'succeeded',
              outcome: { ok: true, value: text('released') },
              runMs: 2,
              callbacks: { nodes: [], more: 0 },
            },
          },
        ],
      },
    ],
    more: 0,
  },
  raw: object({ name: text('payments.charge'), args: list(...args), state: text('completed') }),
  hidden: null,
  unsound: [],
};

const possible = (
  event: string,
  source: string,
  target: string | null,
  by: PossibleEvent['by'],
  why: string | null = null,
): PossibleEvent => ({
  event,
  source,
  guard: null,
  target,
  to: target ?? source,
  by,
  isOpen: true,
  guards: [],
  why,
});

const condition = (code: string, holds: boolean | null, said: string, remedy: string | null = null) => ({
  code,
  holds,
  text: said,
  refs: code.startsWith('quota') ? [{ kind: 'job' as const, id: 'Hn4pQ8sVd2' }] : [],
  remedy,
});

const put: HistoryLine = {
  ...(lines[0] as HistoryLine),
  seq: 89_661,
  at: at('14:02:40.117'),
  note: 'into default, quota payments',
};

/** Its retry, which waits. */
export const pendingPayment: JobView = {
  ...failedPayment,
  id: 'Kq9vT2mZb0hYc3RfLw1xD',
  status: 'PENDING',
  state: 'pending',
  ending: null,
  agent: null,
  attempts: 0,
  totalMs: 42_363,
  explanation: explanation({
    job: 'Kq9vT2mZb0hYc3RfLw1xD',
    status: 'PENDING',
    attempts: 0,
    verdict: {
      code: 'quota:default/payments',
      text: 'quota payments is full: 4 of 4 slots are held',
      remedy: 'Wait until one of its holders ends, or resize it: queue.quotas.resize("payments", 5).',
    },
    conditions: [
      condition('sound', true, 'all of its keys are known'),
      condition('definition', true, 'payments.charge is registered'),
      condition('policy', true, 'payments.retry is known'),
      condition('due', true, 'since 14:02:40'),
      condition('late', true, 'it has no latest start'),
      condition('open', true, 'nothing pauses queue, definition or agent'),
      condition(
        'quota:default/payments',
        false,
        '4 of 4 slots are held, the longest for 3 m 02 s',
        'Wait until one of its holders ends, or resize it: queue.quotas.resize("payments", 5).',
      ),
      condition('agent:default/d10f/main', true, 'is at work, has room for 5, and takes payments.*'),
      condition('agent:default/a77c/big', false, 'takes report.* and export.* only', 'Widen its selection.'),
      condition('place', null, '2 jobs stand before it'),
    ],
  }),
  states: [
    visits('', 1, 42_363, true),
    visits('new', 0, 0),
    visits('pending', 1, 42_363, true),
    visits('assigned', 0, 0),
    visits('active', 0, 0),
    visits('active.running', 0, 0),
    visits('active.waiting', 0, 0),
    visits('callbacks', 0, 0),
    visits('completed', 0, 0),
  ],
  taken: [{ ...(edges[0] as EdgeName), count: 1, isLast: true, isKnown: true }],
  next: [
    possible('job.pull', 'pending', 'new', 'operator'),
    possible('job.claim', 'pending', 'assigned', 'runtime', 'quota payments is full'),
    possible('job.fail', 'pending', 'callbacks', 'operator'),
    possible('args.set', 'pending', null, 'operator'),
    possible('args.append', 'pending', null, 'code'),
    possible('beginBy.set', 'pending', null, 'operator'),
  ],
  history: { count: 1, lines: [put], before: null, isCut: false, keptFrom: 41_003 },
  tries: [],
  outcome: null,
  annotations: [],
  callbacks: { nodes: [], more: 0 },
};
