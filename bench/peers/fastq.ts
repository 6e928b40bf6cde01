import {
  type Contestant,
  type Facts,
  jobArguments,
  noServer,
  type Settings,
  type Signals,
} from '../measures/contestant.ts';
import { lackOfPackage } from './lack.ts';
import { load, versionsOf } from './load.ts';

interface FastQ {
  default: {
    promise(
      run: (data: unknown) => Promise<void>,
      concurrency: number,
    ): { push(data: unknown): Promise<void>; pause(): void; resume(): void };
  };
}

/** fastq: a queue in memory only, and so an upper bound for every queue that stores jobs. */
export async function open({ size }: Settings, signals: Signals): Promise<Contestant> {
  const { default: fastq } = await load<FastQ>('fastq');
  const queue = fastq.promise(async () => signals.started(), size);
  queue.pause();
  const completed = () => signals.completed();
  return {
    putBulk: async (count) => {
      for (const data of jobArguments(count)) void queue.push(data).then(completed);
    },
    put: async () => void queue.push({ n: 0 }).then(completed),
    work: async () => queue.resume(),
    serverCpuUs: noServer,
    close: async () => {},
  };
}

export function lacks(): Promise<string | null> {
  return lackOfPackage('fastq');
}

export function facts({ size }: Settings): Facts {
  return { versions: versionsOf('fastq'), settings: `concurrency ${size}`, fsync: 'never: memory only' };
}
