import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSignalbox, Dispatcher, defineJob, randomIds, type SignalboxOptions } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { instanceUuid } from '../../src/runtime/environment/instance-uuid.ts';
import { nodeTextFiles } from '../../src/runtime/environment/ports.ts';
import { forEachStore, makeBox, newDirectory } from './stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const uuid = '6f1ed002-ab59-4b11-9d5e-0f3d4c2b1a90';
const other = '6f1ed002-ab59-4b11-9d5e-0f3d4c2b1a91';
const variable = 'SIGNALBOX_UUID_FILE';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A box that is opened only to learn its UUID. */
async function uuidOf(options: SignalboxOptions): Promise<string> {
  const box = await createSignalbox(options);
  await box.stop();
  return box.uuid;
}

describe('The file of the instance UUID', () => {
  it("[U-1] is the one the environment names, else the store's own, else uuid.txt in the working directory", async () => {
    const folder = newDirectory();
    const dir = join(folder, 'jobs');
    const named = join(folder, 'named');
    const before = process.cwd();

    const ofStore = await uuidOf({ store: jsonStore(dir) });
    process.chdir(folder);
    const ofFolder = instanceUuid(nodeTextFiles, randomIds, null);
    process.chdir(before);
    vi.stubEnv(variable, named);
    const ofEnvironment = await uuidOf({ store: jsonStore(dir) });

    const firstLine = (path: string): string | undefined => readFileSync(path, 'utf8').split('\n')[0];
    expect(firstLine(join(dir, 'instance.uuid'))).toBe(ofStore);
    expect(firstLine(join(folder, 'uuid.txt'))).toBe(ofFolder);
    expect(firstLine(named)).toBe(ofEnvironment);
    expect(new Set([ofStore, ofFolder, ofEnvironment]).size).toBe(3);
  });

  it('gets its name when all of it is written: a process killed before that leaves no file', () => {
    const folder = newDirectory();
    const path = join(folder, 'uuid.txt');
    mkdirSync(`${path}.tmp`);

    // The directory at the temporary name cannot be replaced, as if the process had died there.
    expect(() => nodeTextFiles.write(path, uuid)).toThrow(/EISDIR/);

    expect(existsSync(path)).toBe(false);
    rmdirSync(`${path}.tmp`);
    writeFileSync(`${path}.tmp`, 'half');
    nodeTextFiles.write(path, uuid);
    expect([readFileSync(path, 'utf8'), readdirSync(folder)]).toEqual([uuid, ['uuid.txt']]);
  });
});

forEachStore('Instance UUID', (makeStore) => {
  function uuidFile(text: string | null = null): string {
    const path = join(newDirectory(), 'uuid.txt');
    if (text !== null) writeFileSync(path, text);
    vi.stubEnv(variable, path);
    return path;
  }

  it('[U-2] the first line, trimmed, is the UUID; any other text is refused', async () => {
    uuidFile(`  ${uuid} \nanything\n${other}`);
    const { box } = await makeBox({ store: makeStore() });
    const read = box.uuid;

    uuidFile('not a uuid\n');
    const refused = makeBox({ store: makeStore() });

    expect(read).toBe(uuid);
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(refused).rejects.toThrow('a file whose first line is a UUID');
  });

  it('a file that is refused leaves the store free for the next try', async () => {
    const path = uuidFile('not a uuid\n');
    const store = makeStore();
    await expect(makeBox({ store })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    writeFileSync(path, `${uuid}\n`);

    const { box } = await makeBox({ store });

    expect(box.uuid).toBe(uuid);
  });

  it('[U-3] a missing file is made, with a new UUID and an explanation below it', async () => {
    const path = uuidFile();

    const { box } = await makeBox({ store: makeStore() });

    const [first, ...rest] = readFileSync(path, 'utf8').split('\n');
    const explanation = rest.join('\n');
    expect(first).toBe(box.uuid);
    expect(first).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(explanation).toContain(variable);
    expect(explanation).toContain('Delete this file to get a new UUID');
  });

  it('[U-4] the same file gives the same UUID at each start, so a restarted process knows what it left', async () => {
    uuidFile();
    const store = makeStore();
    const first = await makeBox({ store, jobs: [note] });
    await first.box.start();
    await first.stop();

    const second = await makeBox({ store, jobs: [note] });
    await second.box.start();

    expect(second.box.uuid).toBe(first.box.uuid);
    expect(await second.box.queue().dispatchers.uuids()).toEqual([first.box.uuid]);
  });

  it('[U-5] under a UUID that another process uses nothing is done and an error is logged until that one is gone', async () => {
    const { box, reactor, logged } = await makeBox({ store: makeStore(), jobs: [note], queues: [''], uuid });
    // What another process with the same file would have written.
    const representation = await box.queue().dispatchers.register(uuid);
    await representation.activate();

    await box.start();
    const job = await box.queue().put(note('x'));
    await reactor.advance('30s');
    const status = (await job.refresh()).status;
    const errors = logged('ERROR');
    await reactor.advance('40s');

    expect(status).toBe('PENDING');
    expect(errors[0]).toContain(`dispatcher ${uuid} is already active in queue ''`);
    expect(await job.result()).toBe('x');
  });

  it('[U-6] it is the default of dispatchers and the assigner of jobs; a dispatcher may be given another', async () => {
    uuidFile(uuid);
    const { box } = await makeBox({ store: makeStore(), jobs: [note], queues: [''] });

    const job = await box.queue().put(note('x'));
    const dispatcher = new Dispatcher(box);
    const second = new Dispatcher(box, { uuid: other });

    expect(job.record.assigner).toBe(uuid);
    expect([dispatcher.uuid, second.uuid]).toEqual([uuid, other]);
    expect(() => new Dispatcher(box)).toThrow('one dispatcher per UUID');
  });

  it('[U-7] it is read once: a changed file matters at the next start', async () => {
    const path = uuidFile(uuid);
    const store = makeStore();
    const first = await makeBox({ store });

    writeFileSync(path, other);
    const during = first.box.uuid;
    const dispatcher = await first.box.start();
    await first.stop();
    const second = await makeBox({ store });

    expect([during, dispatcher.uuid, second.box.uuid]).toEqual([uuid, uuid, other]);
  });
});
