import type { FileFacts, FilePort } from './file-port.ts';

/**
 * A file system that can only be read: whatever would change a file or a directory is refused before it reaches the disk. Who owns
 * a file does not matter for that, so that an operator may look at the store of another user.
 */
export function readingFiles(files: FilePort): FilePort {
  const anyOwner = (facts: FileFacts | null): FileFacts | null => facts && withoutOwner(facts);
  return {
    open(path, mode) {
      if (mode !== 'read') refuse();
      return files.open(path, mode);
    },
    close: (fd) => files.close(fd),
    read: (...args) => files.read(...args),
    list: (path) => files.list(path),
    stat: (path) => anyOwner(files.stat(path)),
    lstat: (path) => anyOwner(files.lstat(path)),
    fstat: (fd) => withoutOwner(files.fstat(fd)),
    freeBytes: (path) => files.freeBytes(path),
    fileSystemType: (path) => files.fileSystemType(path),
    write: refuse,
    truncate: refuse,
    datasync: refuse,
    syncDirectory: refuse,
    rename: refuse,
    link: refuse,
    unlink: refuse,
    makeDirectory: refuse,
    removeDirectory: refuse,
  };
}

function withoutOwner({ foreignOwner: _owner, ...facts }: FileFacts): FileFacts {
  return facts;
}

function refuse(): never {
  throw new Error('these files are opened for reading');
}
