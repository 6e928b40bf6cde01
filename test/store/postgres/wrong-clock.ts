// Loaded before a process begins: its wall clock goes wrong by SIGNALBOX_TEST_CLOCK, `offset,rate` in milliseconds and times.
const [offset = 0, rate = 1] = (process.env.SIGNALBOX_TEST_CLOCK ?? '').split(',').map(Number);
const right = Date;
const begin = right.now();
let jumped = 0;

const wrongNow = (): number => begin + offset + jumped + (right.now() - begin) * rate;

globalThis.Date = new Proxy(right, {
  construct: (target, args) => (args.length === 0 ? new target(wrongNow()) : Reflect.construct(target, args)),
  apply: () => new right(wrongNow()).toString(),
  get: (target, key) => (key === 'now' ? wrongNow : Reflect.get(target, key)),
});

/** Sets the clock forward or back while the process runs. */
Object.assign(globalThis, {
  moveWallClock: (ms: number) => {
    jumped += ms;
  },
});
