import { setTimeout as wait } from 'node:timers/promises';
import { defineJob, local } from 'signalbox';
import { createTestBox, echoLog, simulate, VirtualReactor } from 'signalbox/testing';
import { expect, it } from 'vitest';

/** Jobs that wait in the ways of Node, and one that waits as it should. */
const slow = defineJob({ name: 'slow', run: () => new Promise<void>((resolve) => setTimeout(resolve, 1)) });
const promised = defineJob({ name: 'promised', run: () => wait(1) });
const right = defineJob({ name: 'right', run: () => local.sleep('1s') });
const patient = defineJob({
  name: 'patient',
  // Nothing waits for a timer that does not keep the process.
  run: () => void setTimeout(() => {}, 60_000).unref(),
});
const jobs = [slow, promised, right, patient];

it('a test box in virtual time warns of jobs that use real timers, once a definition, whatever it echoes', async () => {
  const reactor = new VirtualReactor();
  const lines: string[] = [];
  const heard: string[] = [];
  const { box, tearDown } = await createTestBox({
    reactor,
    jobs,
    log: { write: (line) => lines.push(line) },
    logger: echoLog({ level: 'WARNING', write: (line) => heard.push(line) }),
  });
  const put = [slow(), slow(), promised(), right(), patient()].map((job) => box.queue().put(job));
  for (const job of await Promise.all(put)) await reactor.until(job.waitFor('ACTIVE'));
  await reactor.runUntilIdle();

  expect(lines).toEqual([
    expect.stringMatching(
      /^signalbox\.events WARNING the code of job slow uses a real timer: .* local\.sleep/,
    ),
    expect.stringMatching(/^signalbox\.events WARNING the code of job promised uses a real timer/),
  ]);
  expect(heard).toEqual(lines);
  for (const job of await Promise.all(put)) await reactor.until(job.waitFor('COMPLETED'));
  await tearDown();
});

it('a test box in real time has nothing against real timers, and neither has a test beside its jobs', async () => {
  const lines: string[] = [];
  const log = { write: (line: string) => lines.push(line) };
  const real = await createTestBox({ jobs, log });
  const virtual = await createTestBox({ reactor: new VirtualReactor(), jobs, log });

  await (await real.box.queue().put(slow())).result();
  await wait(1);

  expect(lines).toEqual([]);
  await real.tearDown();
  await virtual.tearDown();
});

it('a simulation warns of jobs that use real timers, once a definition for all seeds', async () => {
  const warnings: string[] = [];
  const fast = defineJob({ name: 'fast', run: () => new Promise<void>((resolve) => setTimeout(resolve, 0)) });

  const report = await simulate({
    seeds: 2,
    faults: false,
    onWarning: (message) => warnings.push(message),
    scenario: () => ({ jobs: [fast, right], acts: 4, act: ({ put }) => put(() => fast()) }),
  }).catch((error) => error.report);

  expect(warnings).toEqual([expect.stringMatching(/^the code of job fast uses a real timer/)]);
  expect(report.trace.filter((line: string) => line.includes('WARNING'))).toHaveLength(1);
});
