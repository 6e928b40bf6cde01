import type { Mutant } from '../mutants/mutant.ts';

const json = 'src/store/json';

/**
 * Safeguards of the journal, the snapshot, the recovery, the backup the limits with keys and the durable actors, each taken out. Every one must show.
 *
 * Three are not here, since other safeguards cover them: `JsonLog.close` syncs once more (the table store has waited for
 * its last commits by then), old journals outlive their snapshot by one checkpoint (for a snapshot that is damaged, not
 * for a crash), and an opening after a crash writes a fresh snapshot (for a disk that has failed a sync).
 */
export const mutants: readonly Mutant[] = [
  {
    name: 'no-journal-sync',
    without: 'the sync of the journal before commits are acknowledged',
    edits: [
      {
        file: `${json}/journal/journal-writer.ts`,
        find: 'const syncing = this.#ports.syncs.datasync(this.#fd);',
        replace: 'const syncing = Promise.resolve();',
      },
    ],
  },
  {
    name: 'acknowledged-when-written',
    without: 'waiting for the sync: a commit is acknowledged when it is written',
    edits: [
      {
        file: 'src/store/in-memory/committer.ts',
        find: '    batch.resolveWritten();\n',
        replace: '    batch.resolveWritten();\n    batch.resolveSynced();\n',
      },
    ],
  },
  {
    name: 'sync-covers-later-writes',
    without: 'counting only what was written before a sync began',
    edits: [
      {
        file: `${json}/journal/journal-writer.ts`,
        find: '        this.#synced = upTo;\n',
        replace: '        void upTo;\n        this.#synced = this.#written;\n',
      },
    ],
  },
  {
    name: 'no-header-sync',
    without: 'the sync of a new journal’s header',
    edits: [
      {
        file: `${json}/journal/journal-file.ts`,
        find: '    await syncs.datasync(fd);\n',
        replace: '    void syncs;\n',
      },
    ],
  },
  {
    name: 'no-directory-sync-after-journal',
    without: 'the sync of the directory after a journal is created',
    edits: [
      {
        file: `${json}/journal/journal-file.ts`,
        find: '    files.syncDirectory(dir);\n    return { fd,',
        replace: '    return { fd,',
      },
    ],
  },
  {
    name: 'no-parent-sync',
    without: 'the sync of the directories above a new store',
    edits: [
      {
        file: `${json}/log/open-json-log.ts`,
        find: '    if (isNew) syncAncestors(',
        replace: '    if (!isNew) syncAncestors(',
      },
    ],
  },
  {
    name: 'found-directory-not-synced',
    without:
      'the sync of the directories above a new store whose directory was found: who made it may have been killed',
    edits: [
      {
        file: `${json}/log/open-json-log.ts`,
        find: 'const isThere = prepareDirectory(files, dir, create);',
        replace:
          'const was = files.stat(dir) !== null;\n    const isThere = prepareDirectory(files, dir, create);',
      },
      {
        file: `${json}/log/open-json-log.ts`,
        find: 'if (isNew) syncAncestors(',
        replace: 'if (isNew && !was) syncAncestors(',
      },
    ],
  },
  {
    name: 'no-snapshot-sync',
    without: 'the sync of a snapshot before it is renamed',
    edits: [
      {
        file: `${json}/snapshot/snapshot.ts`,
        find: '    await syncs.datasync(fd);\n    const size =',
        replace: '    const size =',
      },
    ],
  },
  {
    name: 'no-directory-sync-in-checkpoint',
    without: 'the sync of the directory after a snapshot is renamed',
    edits: [
      {
        file: `${json}/snapshot/snapshot.ts`,
        find: '  files.syncDirectory(dir);\n  return size;',
        replace: '  return size;',
      },
    ],
  },
  {
    name: 'journals-dropped-before-rename',
    without: 'keeping the old journals until the new snapshot has its name',
    edits: [
      {
        file: `${json}/log/json-log.ts`,
        find: '      this.#snapshotBytes = await snapshots.write(',
        replace: `      const { files, history, limits, now } = this.#parts;
      history.generations = dropOldGenerations(files, dir, history.generations, generation, limits, now());
      this.#snapshotBytes = await snapshots.write(`,
      },
    ],
  },
  {
    name: 'next-journal-before-sync',
    without:
      'the sync of a journal to its end before the next one begins, so that a checkpoint is of what is only issued; and the look for a next journal, which would notice it',
    edits: [
      {
        file: `${json}/journal/journal-writer.ts`,
        find: 'if (files.lstat(join(dir, next)) !== null)',
        replace: 'if (next === own)',
      },
      {
        file: `${json}/log/json-log.ts`,
        find: '      await writer.sync();\n      const closedBytes',
        replace: '      const closedBytes',
      },
    ],
  },
  {
    name: 'torn-end-kept',
    without: 'cutting a torn end before the next journal begins',
    edits: [
      { file: `${json}/recovery/cut-torn-end.ts`, find: '        files.truncate(fd, end);\n', replace: '' },
    ],
  },
  {
    name: 'no-sync-at-open',
    without:
      'the sync of journals that an opening has read and not changed: a killed process left them unsynced',
    edits: [
      {
        file: `${json}/recovery/cut-torn-end.ts`,
        find: '      files.datasync(fd);\n    });\n  }',
        replace: '      if (size > end) files.datasync(fd);\n    });\n  }',
      },
    ],
  },
  {
    name: 'torn-end-cut-not-synced',
    without: 'the sync of a journal whose torn end was cut',
    edits: [
      {
        file: `${json}/recovery/cut-torn-end.ts`,
        find: '      files.datasync(fd);\n    });\n  }',
        replace: '      if (size <= end) files.datasync(fd);\n    });\n  }',
      },
    ],
  },
  {
    name: 'chain-not-checked',
    without: 'the check that a line follows the one before it',
    edits: [
      {
        file: `${json}/journal/scan.ts`,
        find: 'if (stored.previous !== toHex(crc))',
        replace: 'if (stored.previous.length !== toHex(crc).length)',
      },
    ],
  },
  {
    name: 'checksum-not-checked',
    without: 'the checksum of a line',
    edits: [
      {
        file: `${json}/journal/frame.ts`,
        find: '  if (actual !== crc) return',
        replace: '  if (actual === -1) return',
      },
    ],
  },
  {
    name: 'clean-marker-not-checked',
    without: 'the comparison of the clean marker with what was read',
    edits: [
      {
        file: `${json}/recovery/recovery.ts`,
        find: 'if (listing.clean) checkClean(files, dir, journals);',
        replace: 'void checkClean;',
      },
    ],
  },
  {
    name: 'clean-marker-stays',
    without: 'the removal of the clean marker before the first commit',
    edits: [
      {
        file: `${json}/recovery/cut-torn-end.ts`,
        find: '  files.unlink(join(dir, cleanName));\n',
        replace: '  void cleanName;\n',
      },
    ],
  },
  {
    name: 'clean-marker-removal-not-synced',
    without: 'the sync of the directory after the clean marker is removed',
    edits: [
      {
        file: `${json}/recovery/cut-torn-end.ts`,
        find: '  files.unlink(join(dir, cleanName));\n  files.syncDirectory(dir);\n',
        replace: '  files.unlink(join(dir, cleanName));\n',
      },
    ],
  },
  {
    name: 'clean-marker-not-synced',
    without: 'the sync of the clean marker before it is renamed',
    edits: [
      {
        file: `${json}/snapshot/clean-marker.ts`,
        find: '    await ports.syncs.datasync(fd);\n',
        replace: '',
      },
    ],
  },
  {
    name: 'refused-commit-not-cut',
    without: 'cutting what a full disk took of a refused commit',
    edits: [
      {
        file: `${json}/journal/journal-writer.ts`,
        find: '        files.truncate(this.#fd, this.#written.at);\n        files.datasync(this.#fd);\n',
        replace: '',
      },
    ],
  },
  {
    name: 'refused-commit-cut-not-synced',
    without: 'the sync of the journal after a refused commit was cut',
    edits: [
      {
        file: `${json}/journal/journal-writer.ts`,
        find: '        files.datasync(this.#fd);\n',
        replace: '',
      },
    ],
  },
  {
    name: 'unwritten-sector-is-damage',
    without: 'knowing a sector that was never written',
    edits: [
      {
        file: `${json}/journal/torn-tail.ts`,
        find: 'return hasUnwrittenPiece(tail, feed, bad.at) ? null :',
        replace: 'void hasUnwrittenPiece;\n  return',
      },
    ],
  },
  {
    name: 'unborn-journal-is-damage',
    without: 'knowing a journal that died before its header was written',
    edits: [
      {
        file: `${json}/recovery/recovery.ts`,
        find: 'const mayBeUnborn = isLast && generation !== snapshot?.generation;',
        replace: 'const mayBeUnborn = false;',
      },
    ],
  },
  {
    name: 'torn-end-with-later-lines-lost',
    without: 'refusing what follows a line that is not whole',
    edits: [
      {
        file: `${json}/journal/scan.ts`,
        find: '    const first = stored.commits[0]?.s;\n',
        replace:
          '    stored.commits = stored.commits.slice(0, 1).map((commit) => ({ ...commit, entries: commit.entries.slice(0, 1) }));\n    const first = stored.commits[0]?.s;\n',
      },
    ],
  },
  {
    name: 'backup-renamed-before-sync',
    without: 'the sync of a backup’s files before it gets its name',
    edits: [
      {
        file: `${json}/recovery/backup.ts`,
        find: '    await syncs.datasync(target);\n    return size;',
        replace: '    return size;',
      },
    ],
  },
  {
    name: 'backup-name-not-synced',
    without: 'the sync of a backup’s name before it is acknowledged',
    edits: [
      {
        file: `${json}/recovery/backup.ts`,
        find: '    syncAncestors(files, dir, report);\n',
        replace: '    void syncAncestors;\n    void report;\n',
      },
    ],
  },
  {
    name: 'holders-of-keys-forgotten',
    without: 'the holders of a key that an opening finds in a snapshot',
    edits: [
      {
        file: 'src/store/rules/job-indexes.ts',
        find: 'for (const quota of job.quotas) addTo(',
        replace: 'if (old !== undefined) for (const quota of job.quotas) addTo(',
      },
    ],
  },
  {
    name: 'freed-key-unnoticed',
    without: 'the look at a key that a job has left, which lets out what an earlier claim has parked',
    edits: [{ file: 'src/store/rules/job-indexes.ts', find: '    this.queues.touch(quota);\n', replace: '' }],
  },
  {
    name: 'child-apart-from-its-step',
    without: 'the jobs that a step of an actor asks for in the commit of the step',
    edits: [
      {
        file: 'src/runtime/actors/actor-line.ts',
        find: 'const changes = unit === null ? plan.changes : [...plan.changes, ...unit.changes];',
        replace:
          'if (unit !== null) await committer.commit(uuid, plan.changes, plan.expect).written;\n      const changes = unit === null ? plan.changes : unit.changes;',
      },
      {
        file: 'src/runtime/actors/actor-line.ts',
        find: 'const expect = unit === null ? plan.expect : [...plan.expect, ...unit.end()];',
        replace: 'const expect = unit === null ? plan.expect : unit.end();',
      },
    ],
  },
];
