import * as fs from 'node:fs';
import { expect, it } from 'vitest';
import { decodeFrame, encodeFrame, FrameBuffer, readFrames } from '../../../src/store/json/journal/frame.ts';
import type { JsonWriter } from '../../../src/store/json/journal/json-writer.ts';
import { nodeFilePort } from '../../../src/store/json/ports/file-port.ts';
import { newPath } from './open-store.ts';

function add(buffer: FrameBuffer, text: string): number {
  buffer.begin((json) => json.value(JSON.parse(text)));
  return buffer.end(() => {});
}

const framed = (...texts: string[]) => Buffer.concat(texts.map((text) => encodeFrame(text).bytes));

it('frames a text by its length in bytes and its checksum', () => {
  expect(Buffer.from(encodeFrame('{"é":1}').bytes).toString()).toMatch(/^00000008 [0-9a-f]{8} \{"é":1\}\n$/);
});

it('collects the same bytes in a buffer as frame by frame, however long they are', () => {
  const texts = ['{}', '{"a":"é"}', `{"long":"${'x€'.repeat(200_000)}"}`, '{"b":2}'];
  const buffer = new FrameBuffer();

  const checksums = texts.map((text) => add(buffer, text));

  expect(Buffer.compare(buffer.bytes(), framed(...texts))).toBe(0);
  expect(checksums).toEqual(texts.map((text) => encodeFrame(text).crc));
});

it('collects one frame in several pieces', () => {
  const buffer = new FrameBuffer();
  add(buffer, '{"a":1}');

  buffer.begin((json) => json.ascii('{"b":"'));
  buffer.extend((json) => json.ascii('x'.repeat(200_000)));
  const checksum = buffer.end((json) => json.ascii('"}'));

  const text = `{"b":"${'x'.repeat(200_000)}"}`;
  expect(Buffer.compare(buffer.bytes(), framed('{"a":1}', text))).toBe(0);
  expect(checksum).toBe(encodeFrame(text).crc);
});

it('starts again from nothing when it is cleared', () => {
  const buffer = new FrameBuffer();
  add(buffer, '{"a":1}');
  buffer.begin((json) => json.ascii('{"open":'));

  buffer.clear();
  add(buffer, '{"b":2}');

  expect(Buffer.from(buffer.bytes())).toEqual(framed('{"b":2}'));
});

it('adds nothing of a text whose writing throws', () => {
  const buffer = new FrameBuffer();
  add(buffer, '{"a":1}');
  const throwing = (json: JsonWriter): void => {
    json.ascii(',"b":');
    throw new Error('no value');
  };

  expect(() => buffer.begin(throwing)).toThrow('no value');
  buffer.begin((json) => json.ascii('{"c":3'));
  expect(() => buffer.extend(throwing)).toThrow('no value');
  buffer.end((json) => json.ascii('}'));

  expect(Buffer.from(buffer.bytes())).toEqual(framed('{"a":1}', '{"c":3}'));
});

it.each([
  ['a line without an end', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['a length that is not 8 hex digits', (bytes: Buffer) => bytes.fill('g', 0, 1)],
  ['a checksum that is not 8 hex digits between spaces', (bytes: Buffer) => bytes.fill('-', 8, 9)],
  ['a length that reaches past the end of the file', (bytes: Buffer) => bytes.fill('1', 0, 1)],
  ['a length that does not lead to the end of the line', (bytes: Buffer) => bytes.fill('1', 7, 8)],
  [/^checksum [0-9a-f]{8} where [0-9a-f]{8} is written$/, (bytes: Buffer) => bytes.fill('2', 23, 24)],
])('says why a frame cannot be read: %s', (reason, damage) => {
  const bytes = damage(framed('{"a":1}'));

  const found = decodeFrame(bytes, 0, bytes.length);

  expect(found).toEqual(expect.stringMatching(reason));
});

it('reads the frames of a file in pieces, also those larger than a piece', () => {
  const path = newPath();
  const texts = Array.from({ length: 2_000 }, (_, index) => `{"n":${index},"pad":"${'p'.repeat(index)}"}`);
  texts.push(`{"big":"${'b'.repeat(700_000)}"}`, '{"last":true}');
  fs.writeFileSync(path, framed(...texts));
  const fd = fs.openSync(path, 'r');

  const frames = [...readFrames(nodeFilePort, fd, 0, fs.fstatSync(fd).size)];
  fs.closeSync(fd);

  expect(frames.map((frame) => (frame.ok ? frame.text : frame.reason))).toEqual(texts);
});

it('ends at the first place that is no frame, and says where it is', () => {
  const path = newPath();
  fs.writeFileSync(path, Buffer.concat([framed('{"a":1}'), Buffer.from('rubbish\n'), framed('{"b":2}')]));
  const fd = fs.openSync(path, 'r');

  const frames = [...readFrames(nodeFilePort, fd, 0, fs.fstatSync(fd).size)];
  fs.closeSync(fd);

  expect(frames).toHaveLength(2);
  expect(frames[1]).toEqual({ ok: false, at: 26, reason: 'a length that is not 8 hex digits' });
});
