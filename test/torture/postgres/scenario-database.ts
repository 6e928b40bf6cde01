import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import {
  agent,
  createSignalbox,
  defineJob,
  type Logger,
  local,
  type OpenStore,
  type Signalbox,
} from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { opened } from './claims.ts';
import { retryAlways } from './jobs.ts';
import { CuttingProxy } from './proxy.ts';
import { connectedTo, dropSchemas } from './torture-server.ts';

/** One of several boxes on a database, as one of several processes has it. */
export interface ScenarioBox {
  readonly box: Signalbox;
  readonly uuid: string;
  /** What it puts; the others know it by name. */
  readonly jobs: ReturnType<typeof jobsOf>;
  /** Ids of jobs whose code was called here, in order. */
  readonly calls: readonly string[];
  /** What was logged as an error. */
  readonly logged: readonly string[];
  /** Lets the code of `hold`, `forks` and `pay` end. */
  open(): void;
}

/** How a box of a scenario is made. */
export interface BoxOptions {
  /** Starts with an agent of this size. */
  readonly size?: number;
  /** Default: so long that nothing happens by itself. */
  readonly pollInterval?: number;
  /** Whether its connections go through the proxy. */
  readonly isCut?: boolean;
  /** Default: so long that a crash is over before. */
  readonly queryTimeout?: number;
}

/** A schema of a scenario's own on a real server, and the boxes that use it. */
export class ScenarioDatabase {
  readonly proxy: CuttingProxy;
  readonly schema: string;
  readonly #url: string;
  readonly #client: Client;
  readonly #crash: (() => Promise<void>) | null;
  #boxes = 0;

  private constructor(
    url: string,
    schema: string,
    crash: (() => Promise<void>) | null,
    made: [CuttingProxy, Client],
  ) {
    this.#url = url;
    this.schema = schema;
    this.#crash = crash;
    [this.proxy, this.#client] = made;
  }

  static async on(
    url: string,
    schema: string,
    crash: (() => Promise<void>) | null,
  ): Promise<ScenarioDatabase> {
    await dropSchemas(url, [schema]);
    const client = await connectedTo(url);
    return new ScenarioDatabase(url, schema, crash, [await CuttingProxy.to(url), client]);
  }

  /** Makes a box that puts and reads jobs, and runs them when it has an agent. */
  async makeBox({
    size = 0,
    pollInterval = 3_600_000,
    isCut = false,
    queryTimeout = 30_000,
  }: BoxOptions = {}): Promise<ScenarioBox> {
    this.#boxes += 1;
    const uuid = `${`${this.#boxes}`.repeat(8)}-0000-4000-8000-000000000000`;
    const [calls, logged]: [string[], string[]] = [[], []];
    let open = (): void => {};
    const isOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    const store = postgresStore({
      connectionString: isCut ? this.proxy.url : this.#url,
      schema: this.schema,
      queryTimeout,
    });
    const jobs = jobsOf(uuid, calls, isOpen, this.schema);
    const logger = loggerTo(logged);
    const box = await createSignalbox({
      store,
      jobs: Object.values(jobs),
      uuid,
      logger,
      retryPolicies: { retryAlways },
    });
    await box.createQueue('a');
    if (size > 0) await box.start({ agent: agent({ size }), pollInterval });
    return { box, uuid, jobs, calls, logged, open };
  }

  /** An opening without a box. */
  store(): Promise<OpenStore> {
    return opened(this.#url, this.schema);
  }

  async sql(text: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.#client.query(text)).rows;
  }

  /** Each change of what agents hold takes so long from now on, as on a slow server: what others do meanwhile meets its locks. */
  async slow(seconds: number): Promise<void> {
    await this.sql(`
      CREATE FUNCTION ${this.schema}.be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_sleep(${seconds});
        RETURN NULL;
      END
      $$;
      CREATE TRIGGER be_slow AFTER INSERT OR UPDATE OR DELETE ON ${this.schema}.lease FOR EACH STATEMENT EXECUTE FUNCTION ${this.schema}.be_slow()`);
  }

  /** Resolves while such a change is made. */
  async isSlow(): Promise<void> {
    await this.until(async () => {
      const found = await this.sql(
        `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%${this.schema}%'`,
      );
      return found.length > 0;
    });
  }

  async fast(): Promise<void> {
    await this.sql(`DROP TRIGGER be_slow ON ${this.schema}.lease`);
  }

  /** Ends every process of the server at once, and starts it again. */
  async crash(): Promise<void> {
    await this.#crash?.();
  }

  /** Whether something becomes so in time. */
  async until(isSo: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<boolean> {
    const end = performance.now() + limitMs;
    while (performance.now() < end) {
      if (await isSo()) return true;
      await pause(20);
    }
    return false;
  }
}

/** How many of the jobs `brief` run in the boxes of this process, and how many ran at once at most. */
export const atOnce = { now: 0, most: 0 };

/** `hold`, `forks` and `pay` wait until their box is opened; their result is the UUID of the box that ran them. */
function jobsOf(uuid: string, calls: string[], isOpen: Promise<void>, schema: string) {
  const retry = retryAlways;
  const called = (): string => {
    const id = local.getJob()?.id ?? '?';
    calls.push(id);
    return id;
  };
  const held = async (): Promise<string> => {
    called();
    await isOpen;
    return uuid;
  };
  const note = defineJob({ name: 'note', retry, run: () => void called() });
  return {
    note,
    /** A callback. */
    told: defineJob({ name: 'told', retry, run: (_uuid: string) => void called() }),
    /** For many that share a quota. */
    brief: defineJob({
      name: 'brief',
      retry,
      run: async () => {
        called();
        atOnce.now += 1;
        atOnce.most = Math.max(atOnce.most, atOnce.now);
        await pause(30);
        atOnce.now -= 1;
      },
    }),
    /** Takes half a second, whether its box is open or not. */
    nap: defineJob({ name: 'nap', retry, run: () => pause(500).then(called) }),
    hold: defineJob({ name: 'hold', retry, run: held }),
    /** Puts another job with its result, so that its commit is more than one step. */
    forks: defineJob({
      name: 'forks',
      retry,
      run: async () => {
        await held();
        await local.getQueue().put(note());
        return uuid;
      },
    }),
    pay: defineJob({
      name: 'pay',
      retry,
      run: () =>
        local.transaction(async (client) => {
          await (client as Client).query(`INSERT INTO ${schema}.effect VALUES ($1)`, [local.getJob()?.id]);
          await held();
          return uuid;
        }),
    }),
  };
}

function loggerTo(logged: string[]): Logger {
  const ignore = (): void => {};
  const error = (_fields: unknown, message: string): void => void logged.push(message);
  return { debug: ignore, info: ignore, warn: ignore, error, fatal: error };
}
