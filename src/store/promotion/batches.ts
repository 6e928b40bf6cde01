/** Limits of a batch: its members, and about how many bytes of JSON. */
const mostMembers = 1000;
const mostBytes = 2 * 1024 * 1024;

/** Groups members into batches, each small enough for one statement or one commit. */
export async function* inBatches<Member>(
  members: Iterable<Member> | AsyncIterable<Member>,
): AsyncGenerator<readonly Member[]> {
  let batch: Member[] = [];
  let bytes = 0;
  for await (const member of members) {
    batch.push(member);
    bytes += JSON.stringify(member).length;
    if (batch.length < mostMembers && bytes < mostBytes) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}
