import { createSignalbox, type Signalbox } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { quotaSize } from '../workload.ts';
import { deathIntervalMs, pingIntervalMs } from './intervals.ts';
import { jobsOf, queues } from './jobs.ts';
import { ticks } from './ticks.ts';
import { connectedTo, dropSchemas } from './torture-server.ts';

/** The schema of a campaign, and the one in which its jobs leave their effects. */
export class CampaignSchema {
  readonly url: string;
  readonly schema: string;
  #box: Signalbox | null = null;

  constructor(url: string, schema: string) {
    this.url = url;
    this.schema = schema;
  }

  get #effects(): string {
    return `${this.schema}_effects`;
  }

  /** Makes the queues and the quota, and a trigger that counts the quota apart from the store's own counts. */
  async prepare(): Promise<void> {
    const { ticked } = jobsOf(() => {}, '', this.schema).put;
    const box = await createSignalbox({
      store: postgresStore({ connectionString: this.url, schema: this.schema }),
      jobs: [ticked],
      uuid: 'ffffffff-0000-4000-8000-000000000000',
    });
    for (const name of queues) await box.createQueue(name);
    await box.queue('work').quotas.create('narrow', { size: quotaSize });
    await box.queue(ticks.queue).schedules.set(ticks.name, ticks.options, ticked());
    this.#box = box;
    const client = await connectedTo(this.url);
    await client.query(`
      CREATE SCHEMA ${this.#effects};
      CREATE TABLE ${this.#effects}.effect (job text);
      CREATE TABLE ${this.#effects}.bought (job text);
      CREATE TABLE ${this.#effects}.over_quota (running bigint, at timestamptz DEFAULT clock_timestamp());
      CREATE FUNCTION ${this.#effects}.count_narrow() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE
        running bigint;
      BEGIN
        -- One commit at a time: each counts what all before it have left.
        PERFORM pg_advisory_xact_lock(hashtext('${this.schema}'));
        SELECT count(*) INTO running FROM ${this.schema}.lease e CROSS JOIN LATERAL unnest(e.lanes) AS held (lane)
          JOIN ${this.schema}.lane l ON l.id = held.lane WHERE l.key LIKE '["narrow",%';
        IF running > ${quotaSize} THEN
          INSERT INTO ${this.#effects}.over_quota VALUES (running);
        END IF;
        RETURN NULL;
      END
      $$;
      CREATE CONSTRAINT TRIGGER count_narrow AFTER INSERT OR UPDATE ON ${this.schema}.lease DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.queue = 'work') EXECUTE FUNCTION ${this.#effects}.count_narrow();`);
    await client.end();
  }

  /** Registers a process in every queue before it starts, with the intervals of a campaign. */
  async register(uuid: string): Promise<void> {
    for (const name of queues) {
      const representation = await this.#opened().queue(name).dispatchers.register(uuid);
      await representation.setPingIntervals({
        pingInterval: pingIntervalMs,
        pingDeathInterval: deathIntervalMs,
      });
    }
  }

  #opened(): Signalbox {
    if (this.#box === null) throw new Error('Expected prepare() to be called first.');
    return this.#box;
  }

  /** No tick comes any more. */
  async pauseTicks(): Promise<void> {
    await this.#opened().queue(ticks.queue).schedules.pause(ticks.name);
  }

  async close(): Promise<void> {
    await this.#box?.stop();
    this.#box = null;
  }

  async remove(): Promise<void> {
    await dropSchemas(this.url, [this.schema, this.#effects]);
  }
}
