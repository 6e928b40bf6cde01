import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineJob, type Job, local, RetryCommonForever } from 'signalbox';
import { wordsOf } from './words.ts';
import { WordsFile } from './words-file.ts';

/** Everything that a run leaves behind is below this folder of the working directory. */
export const home = '.signalbox';

/** Where the index is. */
export const indexPath = join(home, 'index.json');

/** Only one job at a time may write: each of these names the quota, whose size is 1. */
export const indexQuota = 'index';

/** What a run comes to. */
export interface Indexed {
  readonly files: number;
  readonly words: number;
  /** How many files could not be indexed, and what the first of them said. */
  readonly failed: number;
  readonly failures: readonly string[];
}

const wordsFiles = new Map<string, WordsFile>();

/** Each run has a file of its own, so that no straggler of an earlier one can write into it. */
function wordsFileOf(run: string): WordsFile {
  const file = wordsFiles.get(run) ?? new WordsFile(join(home, `words-${run}.jsonl`));
  wordsFiles.set(run, file);
  return file;
}

/** Appends the words of a file to those of its run, and tells the run how far it is. */
export const recordWords = defineJob({
  name: 'recordWords',
  quotas: [indexQuota],
  retry: RetryCommonForever,
  run: async (run: Job, path: string, words: string): Promise<void> => {
    const recorded = await wordsFileOf(run.id ?? '').record(path, words);
    await local.setLiveAnnotation('recorded', recorded, run);
  },
});

/** Reads a file. The job that it puts and returns is stored in one commit with its own end, so none is lost. */
export const indexFile = defineJob({
  name: 'indexFile',
  retry: RetryCommonForever,
  run: async (run: Job, folder: string, path: string): Promise<Job<null>> => {
    const words = wordsOf(await readFile(join(folder, path), 'utf8'));
    return local.getQueue().put(recordWords(run, path, words.join(' ')));
  },
});

/** Makes the index from what was recorded. It replaces the earlier index in one step, so nobody ever reads half of it. */
export const writeIndex = defineJob({
  name: 'writeIndex',
  quotas: [indexQuota],
  retry: RetryCommonForever,
  run: async (run: Job, ...jobs: Job<unknown>[]): Promise<Indexed> => {
    const lines = await wordsFileOf(run.id ?? '').lines();
    const filesByWord = new Map<string, string[]>();
    for (const [file, words] of lines) {
      for (const word of words === '' ? [] : words.split(' ')) {
        const files = filesByWord.get(word);
        if (files === undefined) filesByWord.set(word, [file]);
        else files.push(file);
      }
    }
    await writeFile(`${indexPath}.new`, indexText(filesByWord, lines.length), { flush: true });
    await rename(`${indexPath}.new`, indexPath);
    const failures = jobs.flatMap((job) =>
      job.outcome?.ok === false ? `${job.args[2]}: ${job.outcome.failure.message}` : [],
    );
    return {
      files: lines.length,
      words: filesByWord.size,
      failed: failures.length,
      failures: failures.slice(0, 10),
    };
  },
});

/** A word a line. Written by hand, because objects put keys such as `2024` before all others. */
function indexText(filesByWord: ReadonlyMap<string, readonly string[]>, files: number): string {
  const words = [...filesByWord.keys()].sort();
  const lines = words.map((word) => {
    const found = [...(filesByWord.get(word) ?? [])].sort();
    return `\n    ${JSON.stringify(word)}: ${JSON.stringify(found)}`;
  });
  return `{\n  "words": {${lines.join(',')}\n  },\n  "files": ${files}\n}\n`;
}
