// A key of a job is text such as `tenant/42`: the name of a keyed limit, a slash, and what of it the job needs.

/** The key of a job, for a limit. */
export function keyOf(limit: string, key: string): string {
  return `${limit}/${key}`;
}

/** The name of the limit of a key. Names have no slash. */
export function limitOfKey(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** The names of the limits of keys, each once, in order. */
export function limitNames(keys: readonly string[]): readonly string[] {
  return keys.length === 1 ? [limitOfKey(keys[0] as string)] : [...new Set(keys.map(limitOfKey))];
}

/** The id of the limit that a job is subject to in a queue: of a key (`<queue>/<limit>/<key>`), or of a quota without keys. */
export function limitId(queue: string, name: string): string {
  return `${queue}/${name}`;
}

/** The id of the quota of a limit: without the key. */
export function quotaOfLimit(id: string): string {
  const at = id.indexOf('/', id.indexOf('/') + 1);
  return at < 0 ? id : id.slice(0, at);
}

/** The queue of a quota or a limit. Names of queues have no slash. */
export function queueOfLimit(id: string): string {
  return id.slice(0, id.indexOf('/'));
}
