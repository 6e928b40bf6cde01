import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineJob, type Job, local, RetryCommonForever } from 'signalbox';
import { wordsOf } from './words.ts';
import { WordsFile } from './words-file.ts';

/** All files of a run are in this folder of the working directory. */
export const home = '.signalbox';

/** The path of the index. */
export const indexPath = join(home, 'index.json');

/** The quota of the jobs that write. Its size is 1, so only one of them runs at a time. */
export const indexQuota = 'index';

/** The result of a run. */
export interface Indexed {
  readonly files: number;
  readonly words: number;
  /** How many files could not be indexed, and the error messages of the first ten. */
  readonly failed: number;
  readonly failures: readonly string[];
}

const wordsFiles = new Map<string, WordsFile>();

/**
 * Returns the words file of a run. Each run has its own, so that a late job of an earlier run cannot write
 * into it.
 */
function wordsFileOf(run: string): WordsFile {
  const file = wordsFiles.get(run) ?? new WordsFile(join(home, `words-${run}.jsonl`));
  wordsFiles.set(run, file);
  return file;
}

/** Appends the words of a file to the words file of its run, and updates the progress of the run. */
export const recordWords = defineJob({
  name: 'recordWords',
  quotas: [indexQuota],
  retry: RetryCommonForever,
  run: async (run: Job, path: string, words: string): Promise<void> => {
    const recorded = await wordsFileOf(run.id ?? '').record(path, words);
    await local.setLiveAnnotation('recorded', recorded, run);
  },
});

/**
 * Reads a file, then puts and returns a job for its words. Both are one commit, so no file is lost in a
 * crash.
 */
export const indexFile = defineJob({
  name: 'indexFile',
  retry: RetryCommonForever,
  run: async (run: Job, folder: string, path: string): Promise<Job<null>> => {
    const words = wordsOf(await readFile(join(folder, path), 'utf8'));
    return local.getQueue().put(recordWords(run, path, words.join(' ')));
  },
});

/**
 * Writes the index from the recorded words. Replaces the earlier index in one step, so a reader never sees
 * half of it.
 */
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

/** Returns the index with one word per line. An object would put keys such as `2024` before all others. */
function indexText(filesByWord: ReadonlyMap<string, readonly string[]>, files: number): string {
  const words = [...filesByWord.keys()].sort();
  const lines = words.map((word) => {
    const found = [...(filesByWord.get(word) ?? [])].sort();
    return `\n    ${JSON.stringify(word)}: ${JSON.stringify(found)}`;
  });
  return `{\n  "words": {${lines.join(',')}\n  },\n  "files": ${files}\n}\n`;
}
