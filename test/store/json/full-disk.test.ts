import { fileURLToPath } from 'node:url';
import { createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { describe, expect, it } from 'vitest';
import { diskSizes, fillDisk, whyNoTmpfs } from '../../torture/full-disk.ts';
import { createFaultyFiles } from './faulty-files.ts';
import { newPath } from './open-store.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const note = defineJob({ name: 'note', run: (text: string) => text });

describe('a job that is put in the place of one that a full disk refused', () => {
  it.each([{}, { beginAfter: '1h' }])('is offered to agents, put with %j', async (options) => {
    const files = createFaultyFiles();
    const box = await createSignalbox({
      store: jsonStore(newPath(), { files }),
      jobs: [note],
      queues: ['q'],
    });
    const queue = box.queue('q');
    const first = await queue.put(note('first'), options);
    files.fault = (call) => (call === 'write' ? 'ENOSPC' : null);
    await expect(queue.put(note('refused'), options)).rejects.toMatchObject({ code: 'STORE_FULL' });
    await expect(queue.put(note('again'), { ...options, id: 'again' })).rejects.toThrow('full disk');
    files.fault = () => null;

    const again = await queue.put(note('again'), { ...options, id: 'again' });
    const last = await queue.put(note('last'), options);

    const ids = (await queue.jobs()).map(({ id }) => id);
    expect(ids.sort()).toEqual([first.id, again.id, last.id].sort());
    expect(await queue.length()).toBe(3);
    await box.stop();
  });
});

// Where no file system can be mounted, a limit on the size of files replaces it: writes are cut short and refused
// by the kernel there too. The command `npm run torture -- --full-disk` fills disks of all sizes both ways.
const why = whyNoTmpfs();
const kind = why === null ? 'tmpfs' : 'file size';
if (why !== null) console.warn(`a limit on the size of files replaces a full tmpfs: ${why}`);

describe(`a disk that is full (${kind})`, () => {
  it('loses nothing, shows nothing that was refused, and the process continues when there is room', async () => {
    const { problems, acknowledged, refused, resumedMs } = await fillDisk(root, kind, diskSizes[0]);

    expect(problems).toEqual([]);
    expect(refused).toBeGreaterThan(0);
    expect(acknowledged).toBeGreaterThan(0);
    expect(resumedMs).not.toBeNull();
  });
});
