/**
 * Magic numbers of file systems that other hosts may write to, from the manual page statfs(2) of Linux. FUSE and 9P may
 * be either: a directory of this host, or of another.
 */
const names: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x5346414f, 'AFS'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
]);

/**
 * Returns a warning about the file system of a store; null when there is no reason for one.
 * @param type - as `statfs` returns it on Linux; null where it is unknown.
 */
export function networkWarning(dir: string, type: number | null): string | null {
  const name = type === null ? undefined : names.get(type);
  if (name === undefined) return null;
  return `${dir} is on ${name}, which other hosts may reach: a lock there may not exclude them, and a sync may not reach a disk. Keep a json store on a disk of this host.`;
}
