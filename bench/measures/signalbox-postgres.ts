import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { agent, createSignalbox, defineJob, type OpenStore, type Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { type Contestant, type Facts, jobArguments, type Settings, type Signals } from './contestant.ts';
import { priorityOf } from './job-settings.ts';
import { schemaOf } from './postgres-schema.ts';

/** Signalbox on its PostgreSQL store with default settings. */
export async function open(settings: Settings, signals: Signals): Promise<Contestant> {
  const schema = schemaOf(settings);
  const { levels, timeout, ownKeys } = settings.features ?? {};
  const noop = defineJob({
    name: 'noop',
    ...(timeout === undefined ? {} : { timeout }),
    ...(ownKeys === true ? { concurrency: { limit: 1, key: ({ n }: { n: number }) => String(n) } } : {}),
    run: (_: { n: number }) => {
      signals.started();
      return null;
    },
  });
  const job = (data: { readonly n: number }) =>
    levels === undefined ? noop(data) : noop(data).with({ priority: priorityOf(data.n, levels) });
  const store = observed(postgresStore({ connectionString: schema.url, schema: schema.name }), signals);
  const box = await createSignalbox({ store, jobs: [noop], queues: ['bench'], uuid: randomUUID() });
  return {
    putBulk: async (count) => {
      await box.queue('bench').putAll(jobArguments(count).map((data) => job(data)));
    },
    put: async () => void (await box.queue('bench').put(noop({ n: 0 }))),
    work: async () => void (await box.start({ agent: agent({ size: settings.size }) })),
    serverCpuUs: schema.serverCpuUs,
    close: () => box.stop(),
    clear: schema.clear,
  };
}

/** Reports jobs when the commit that completes them is durable, without reading the journal back; and claims. */
function observed(store: Store, signals: Signals): Store {
  return {
    name: store.name,
    async open(ports) {
      const opened = await store.open(ports);
      const commit = opened.commit.bind(opened);
      opened.commit = (asked) => {
        const ticket = commit(asked);
        if (asked.changes.some(({ kind, to }) => kind === 'job' && to === 'completed'))
          ticket.synced.then(
            () => signals.completed(),
            () => {},
          );
        return ticket;
      };
      if (signals.claimed !== undefined) reportClaims(opened, signals.claimed);
      return opened;
    },
  };
}

function reportClaims(opened: OpenStore, claimed: () => void): void {
  const claim = opened.claim.bind(opened);
  opened.claim = async (request) => {
    const taken = await claim(request);
    if (taken.jobs.length > 0) claimed();
    return taken;
  };
}

export function facts({ size }: Settings): Facts {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    versions: `signalbox ${version}`,
    settings: `PostgreSQL store as it comes, one agent of size ${size}, bulk put by putAll`,
    fsync: 'every commit',
  };
}
