// Interim: everything through the shared queries, for tests of the writing side.
import type { Kind, Records } from '../../entry.ts';
import { Tables } from '../../rules/tables.ts';
import { TableQueries } from '../../rules/table-queries.ts';
import { readJobs, recordOf } from '../commits/working-set.ts';
import { borrowed } from '../sql-port.ts';
import type { Transactions } from '../transactions.ts';
const kinds = ['store', 'queue', 'quota', 'representation', 'agent', 'proxy', 'annotation'] as const;
export class Reading {
  parts: { schema: string; transactions: Transactions };
  constructor(parts: { schema: string; transactions: Transactions }) { this.parts = parts; }
  async q(within?: unknown): Promise<TableQueries> {
    const { schema, transactions } = this.parts;
    const read = async (c: any) => {
      const ids = (await c.query(`SELECT id FROM ${schema}.job`)).map((r: any) => String(r.id));
      const jobs = await readJobs(c, schema, ids);
      const tables = new Tables();
      for (const kind of kinds) for (const row of await c.query(`SELECT * FROM ${schema}.${kind} ORDER BY id`)) { const r: any = recordOf(kind, row); tables.restore(kind, r.id, r); }
      const key = (j: any): number => j.state === 'completed' ? j.lastSeq : (j.order?.[1] ?? j.lastSeq);
      for (const j of jobs.map((x) => x.record).sort((a, b) => key(a) - key(b))) tables.restore('job', j.id, j);
      return new TableQueries(tables);
    };
    return within === undefined ? transactions.read('a read', read) : read(await borrowed(within));
  }
  async get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<Records[K] | undefined> { return (await this.q(within)).get(kind, id); }
  async list<K extends Kind>(kind: K, prefix: string) { return (await this.q()).list(kind, prefix); }
  async waiting(queue: string, most?: number) { return (await this.q()).waiting(queue, most); }
  async waitingCount(queue: string, name?: string) { return (await this.q()).waitingCount(queue, name); }
  async lanes(queue: string) { return (await this.q()).lanes(queue); }
  async place(job: string) { return (await this.q()).place(job); }
  async find(prefix: string, limit: number) { return (await this.q()).find(prefix, limit); }
  async held(a: string, b: string, c: string | null) { return (await this.q()).held(a, b, c); }
  async heldCount(a: string, b: string, c: string) { return (await this.q()).heldCount(a, b, c); }
  async completed(a: string, b: string, c: string) { return (await this.q()).completed(a, b, c); }
  async callbacks(job: string) { return (await this.q()).callbacks(job); }
  async branches(p: string) { return (await this.q()).branches(p); }
  async waiters(j: readonly string[]) { return (await this.q()).waiters(j); }
  async quotaHolders(q: string) { return (await this.q()).quotaHolders(q); }
  async counts() { return (await this.q()).counts(); }
  async jobsPage(r: any) { return (await this.q()).jobsPage(r); }
  async quarantined() { return (await this.q()).quarantined(); }
  async orphans() { return (await this.q()).orphans(); }
  async annotations(j: string) { return (await this.q()).annotations(j); }
  async annotated(j: readonly string[]) { return (await this.q()).annotated(j); }
  async due(s: number) { return (await this.q()).due(s); }
}
