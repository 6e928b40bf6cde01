/** How much later a tick is due: from 0 up to and with `most` milliseconds, the same on every host. */
export function spreadOf(id: string, tick: number, most: number): number {
  return most === 0 ? 0 : hashOf(`${id}/${tick}`) % (Math.floor(most) + 1);
}

/** FNV-1a of 32 bits, its bits mixed once more: neighbouring ticks differ in their last characters only. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
