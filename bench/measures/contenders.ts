import { rmSync } from 'node:fs';
import type { RedisServer } from '../peers/redis-server.ts';
import type { ContestantModule, Facts, Settings } from './contestant.ts';
import { type Children, inChild } from './in-child.ts';
import { freshFolder } from './place.ts';
import type { PostgresServer } from './postgres-server.ts';

/** A contender: a module and its settings. */
interface Contender {
  readonly module: string;
  readonly settings: Omit<Settings, 'dir' | 'redisSocket' | 'postgres'>;
}

const ours = './signalbox.ts';
const oursOnPostgres = './signalbox-postgres.ts';
const plainjob = '../peers/plainjob.ts';

/** All contenders by name, in the order of their turns. */
export const contenders = {
  size10: { module: ours, settings: { size: 10 } },
  plainjob: { module: plainjob, settings: { size: 1 } },
  size50: { module: ours, settings: { size: 50 } },
  bullmq: { module: '../peers/bullmq.ts', settings: { size: 100 } },
  slowDisk: { module: ours, settings: { size: 10, slowSyncMs: 2 } },
  plainjobSynced: { module: plainjob, settings: { size: 1, isSynced: true } },
  fastq: { module: '../peers/fastq.ts', settings: { size: 10 } },
  liteque: { module: '../peers/liteque.ts', settings: { size: 10 } },
  postgres50: { module: oursOnPostgres, settings: { size: 50 } },
  graphileWorker: { module: '../peers/graphile-worker.ts', settings: { size: 24 } },
  postgres100: { module: oursOnPostgres, settings: { size: 100 } },
  postgresKeys50: { module: oursOnPostgres, settings: { size: 50, features: { ownKeys: true } } },
  pgBoss: { module: '../peers/pg-boss.ts', settings: { size: 100 } },
} satisfies Readonly<Record<string, Contender>>;

export type ContenderName = keyof typeof contenders;

/** Contenders that cannot be measured here, each with the reason and the repair. */
export type LeftOut = Readonly<Partial<Record<ContenderName, string>>>;

/** What the contenders of one run share. */
export interface Arena extends Servers {
  readonly place: string;
  readonly leftOut?: LeftOut;
  /** The processes that contenders keep from turn to turn. Without it, each turn starts a process. */
  readonly children?: Children;
}

/** The servers that contenders use. */
export interface Servers {
  readonly redis?: RedisServer | null;
  readonly postgres?: PostgresServer;
}

/**
 * Returns a turn that runs a measure for a contender in its own process and a new folder; null where it
 * cannot run.
 */
export function turnOf<Figures>(
  name: ContenderName,
  measure: string,
  arena: Arena,
  how: object,
): (() => Promise<Figures>) | null {
  if (arena.leftOut?.[name] !== undefined) return null;
  return async () => {
    const dir = freshFolder(arena.place);
    const options = { ...how, contestant: urlOf(name), settings: settingsOf(name, dir, arena) };
    const figures = await (arena.children?.measure<Figures>(contenders[name].module, measure, options) ??
      inChild<Figures>(measure, options));
    rmSync(dir, { recursive: true });
    return figures;
  };
}

/** Returns the facts about a contender that are printed beside its figures. */
export async function factsOf(name: ContenderName): Promise<Facts> {
  const { facts }: ContestantModule = await import(urlOf(name));
  return facts(settingsOf(name, '', {}));
}

/** Returns why a contender cannot be measured here, and the repair; null when it can be measured. */
export async function lackOf(name: ContenderName, servers: Servers): Promise<string | null> {
  const { lacks }: ContestantModule = await import(urlOf(name));
  return lacks === undefined ? null : lacks(settingsOf(name, '', servers));
}

function urlOf(name: ContenderName): string {
  return new URL(contenders[name].module, import.meta.url).href;
}

function settingsOf(name: ContenderName, dir: string, { redis, postgres }: Servers): Settings {
  return {
    ...contenders[name].settings,
    dir,
    ...(redis ? { redisSocket: redis.socket } : {}),
    ...(postgres ? { postgres } : {}),
  };
}
