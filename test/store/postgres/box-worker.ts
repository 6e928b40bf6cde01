// One process of several on a PostgreSQL store: reports on standard output what it does, and does what standard
// input says.
import { createInterface } from 'node:readline';
import { agent, createSignalbox, defineJob, type Logger, local, type Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';

const [connectionString = '', schema = '', uuid = '', ...names] = process.argv.slice(2);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const opened = new Map<string, () => void>();
const note = defineJob({ name: 'note', run: (text: string) => `${text} by ${uuid}` });
const hold = defineJob({
  name: 'hold',
  grace: '300ms',
  run: async () => {
    const id = local.getJob()?.id ?? '';
    const isOpen = new Promise<void>((resolve) => opened.set(id, resolve));
    local.signal.addEventListener('abort', () => say(`aborted ${id}`));
    say(`active ${id}`);
    await isOpen;
    return uuid;
  },
});
/** Keeps the event loop busy, without a turn for anything else. */
const busy = defineJob({
  name: 'busy',
  retry: { maxAttempts: 1, maxInterruptions: 0 },
  run: (ms: number) => {
    say('busy');
    const end = performance.now() + ms;
    while (performance.now() < end);
    return uuid;
  },
});

/** Definitions that only some of the processes know. */
const deployed = names.map((name) => defineJob({ name, run: (text: string) => `${text} by ${uuid}` }));

const logTo =
  (level: string): Logger['info'] =>
  (_fields, message) =>
    say(`${level} ${message.split('\n')[0]}`);
const silent = (): void => {};
/** No notification reaches it. */
const deaf = (store: Store): Store => ({
  name: store.name,
  open: async (ports) => Object.assign(await store.open(ports), { onHint: () => {} }),
});
const store = postgresStore({ connectionString, schema, heartbeat: '100ms' });
const box = await createSignalbox({
  store: process.env.SIGNALBOX_TEST_DEAF === undefined ? store : deaf(store),
  jobs: [note, hold, busy, ...deployed],
  uuid,
  logger: {
    debug: silent,
    info: silent,
    warn: logTo('WARNING'),
    error: logTo('ERROR'),
    fatal: logTo('CRITICAL'),
  },
});
await box.start({ pollInterval: '100ms', agent: agent({ size: 1 }) });
const representation = await box.queue().dispatchers.get(uuid);
await representation.setPingIntervals({ pingInterval: '200ms', pingDeathInterval: '2s' });
say('started');

for await (const line of createInterface({ input: process.stdin })) {
  const [command, id = ''] = line.split(' ');
  if (command === 'open') opened.get(id)?.();
  if (command === 'jump')
    (globalThis as unknown as { moveWallClock(ms: number): void }).moveWallClock(Number(id));
  if (command === 'stop') break;
}
await box.stop();
process.exit();
