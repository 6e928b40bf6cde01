import { rmSync } from 'node:fs';
import type { RedisServer } from '../peers/redis-server.ts';
import type { ContestantModule, Facts, Settings } from './contestant.ts';
import { type Children, inChild } from './in-child.ts';
import { freshFolder } from './place.ts';
import type { PostgresServer } from './postgres-server.ts';

/** Who is measured: a module, and what it is told. */
interface Contender {
  readonly module: string;
  readonly settings: Omit<Settings, 'dir' | 'redisSocket' | 'postgres'>;
}

const ours = './signalbox.ts';
const oursOnPostgres = './signalbox-postgres.ts';
const plainjob = '../peers/plainjob.ts';

/** All of them by name, in the order of their turns. */
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
  pgBoss: { module: '../peers/pg-boss.ts', settings: { size: 100 } },
} satisfies Readonly<Record<string, Contender>>;

export type ContenderName = keyof typeof contenders;

/** Contenders that cannot be measured here, each with the reason and how to mend it. */
export type LeftOut = Readonly<Partial<Record<ContenderName, string>>>;

/** Where the contenders of one run find what they need. */
export interface Arena extends Servers {
  readonly place: string;
  readonly leftOut?: LeftOut;
  /** Where contenders keep their processes from turn to turn; without it each turn starts one. */
  readonly children?: Children;
}

/** What runs beside the contenders. */
export interface Servers {
  readonly redis?: RedisServer | null;
  readonly postgres?: PostgresServer;
}

/** A turn that runs a measure for a contender, in a process of its own and a fresh folder; null where it cannot run. */
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

/** What is to be said of a contender. */
export async function factsOf(name: ContenderName): Promise<Facts> {
  const { facts }: ContestantModule = await import(urlOf(name));
  return facts(settingsOf(name, '', {}));
}

/** Why a contender cannot be measured here, and how to mend that; null when it can. */
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
