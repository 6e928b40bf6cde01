import { cpus, platform, release, totalmem } from 'node:os';

/** What the figures were taken on, for people who compare them with others. */
export function hostText(): string {
  const processors = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `Node ${process.version}, ${processors.length} × ${processors[0]?.model.trim() || 'unknown processor'}, ${gibibytes} GiB, ${platform()} ${release()}`;
}
