import type { Json } from 'signalbox';
import { describe, expect, it } from 'vitest';
import type { Entry, Line } from '../../../src/store/entry.ts';
import { JsonWriter } from '../../../src/store/json/journal/json-writer.ts';
import {
  beginLine,
  decodeHeader,
  decodeLine,
  encodeHeader,
  endLine,
  extendLine,
  headOf,
} from '../../../src/store/json/journal/line.ts';
import { entryOf } from './open-store.ts';

const lineWith = (...entries: Entry[]): Line => ({ s: 121, at: 5, by: 'client#1', mv: '3', entries });

function encodeLine(first: Line, durable: number, previous: number, ...later: Line[]): string {
  const json = new JsonWriter();
  beginLine(json, first, durable, previous);
  for (const line of later) extendLine(json, line);
  endLine(
    json,
    later.map(({ s }) => s - first.s),
  );
  return json.bytes().toString();
}

describe('a line', () => {
  it('is read back as it was written, with the line before it', () => {
    const line = lineWith(
      { ...entryOf('a/b "c" \u2028', { text: 'é\ud83d\ude00', none: null, deep: [{ a: [1.5] }] }), q: 12 },
      {
        kind: 'annotation',
        id: 'j1/note',
        event: 'evicted',
        from: null,
        to: null,
        patch: null,
        gone: true,
        q: 3,
      },
    );

    const stored = decodeLine(encodeLine(line, 120, 0xab));

    expect(stored).toEqual({ commits: [line], durable: 120, previous: '000000ab' });
  });

  it('of several commits is read back commit by commit', () => {
    const first = lineWith(entryOf('a', { n: 1 }), entryOf('b', null));
    const second = { ...lineWith(entryOf('c', null)), s: 123 };
    const third = { ...lineWith(entryOf('d', null), entryOf('e', null)), s: 124 };

    const text = encodeLine(first, 120, 0xab, second, third);

    expect(decodeLine(text)).toEqual({
      commits: [first, second, third],
      durable: 120,
      previous: '000000ab',
    });
    expect(text).toMatch(/"q":0}],"c":\[2,3\]}$/);
  });

  it.each(['1', '"1"', '[0]', '[2]', '[-1]', '[1.5]', '[null]', '[1,1]', '{}'])(
    'is refused when a commit begins nowhere in it: %s',
    (begins) => {
      const text = encodeLine(lineWith(entryOf('a', null), entryOf('b', null)), 120, 0xab);

      expect(decodeLine(text.replace(/}$/, `,"c":${begins}}`))).toBe(
        'a line with a commit that begins nowhere in it',
      );
    },
  );

  it('leaves out keys without content', () => {
    const entry: Entry = {
      kind: 'job',
      id: '1',
      event: 'ping',
      from: null,
      to: null,
      patch: null,
      gone: false,
      q: 0,
    };

    expect(encodeLine(lineWith(entry), 0, 0)).toBe(
      '{"s":121,"d":0,"p":"00000000","at":5,"by":"client#1","mv":"3","o":[{"on":"job/1","ev":"ping","q":0}]}',
    );
  });

  const actor = (patch: Entry['patch'], arg?: Json): Entry => ({
    ...{ kind: 'actor', id: 'order/1', event: 'order."go"', from: 'a|b', to: 'c', patch, gone: false, q: 7 },
    ...(arg === undefined ? {} : { arg }),
  });

  it.each([[{ by: 'Grace', n: [null] }], ['hash'], [0], [null], [[]]] as const)(
    'has what the event of an actor carried: %j',
    (arg) => {
      const text = encodeLine(lineWith(actor({ 'c:n': 1 }, arg), actor(null)), 0, 0);

      expect(decodeLine(text)).toMatchObject({
        commits: [{ entries: [actor({ 'c:n': 1 }, arg), actor(null)] }],
      });
      expect(text.match(/"arg"/g)).toHaveLength(1);
    },
  );

  it('of an earlier release has nothing that an event carried, not even null', () => {
    const text = encodeLine(lineWith(actor(null)), 0, 0);

    const stored = decodeLine(text);

    expect(text).not.toContain('arg');
    expect(typeof stored === 'string' ? stored : Object.keys(stored.commits[0]?.entries[0] ?? {})).toEqual(
      Object.keys(actor(null)),
    );
  });

  it('is refused when what an event carried nests deeper than any that is written', () => {
    const deep = `${'['.repeat(400)}${']'.repeat(400)}`;
    const text = encodeLine(lineWith(actor(null, 1)), 0, 0).replace('"arg":1', `"arg":${deep}`);

    expect(decodeLine(text)).toBe('an entry with an arg that nests deeper than any');
  });

  it.each<readonly [Entry['patch'], string | null]>([
    [{ 'c:any key': { of: ['the', 'user'] }, output: [], status: 'done' }, null],
    [{ timers: { wait: [5, 1, { type: 'late' }, null], told: [5, 2, 'x', '#parent'] }, dueAt: 5 }, null],
    [{ children: { parcel: { kind: 'job', src: 's', id: 'i', run: 1 } }, runs: { parcel: 2 } }, null],
    [
      { history: { 'order.h': ['order.a'] }, parent: { actor: 'a', machine: 'order', child: 'c', run: 1 } },
      null,
    ],
    [{ context: {} }, 'an actor with an unknown "context"'],
    [{ status: 'asleep' }, 'an actor with an unknown "status"'],
    [{ dueAt: '5' }, 'an actor with an unknown "dueAt"'],
    [{ timers: { wait: [5, 1, null] } }, 'an actor with an unknown "timers"'],
    [
      { children: { parcel: { kind: 'cat', src: 's', id: 'i', run: 1 } } },
      'an actor with an unknown "children"',
    ],
    [{ createdSeq: 1 }, 'an actor with an unknown "createdSeq"'],
  ])('with %j of an actor is read as far as an actor may have it', (patch, fault) => {
    const stored = decodeLine(encodeLine(lineWith(actor(patch)), 0, 0));

    expect(typeof stored === 'string' ? stored : null).toBe(fault);
  });

  it('is refused when a message is in no state that messages have', () => {
    const message: Entry = { ...actor({ actor: 'a', endedAt: 1 }), kind: 'message', to: 'lost' };
    const stored = (entry: Entry) => decodeLine(encodeLine(lineWith(entry), 0, 0));

    expect(stored(message)).toBe('a message in an unknown state');
    expect(stored({ ...message, to: 'dead', patch: { at: null } })).toBe('a message with an unknown "at"');
    expect(stored({ ...message, to: 'dead' })).not.toBeTypeOf('string');
  });

  it('gives its seq and its instant without being parsed', () => {
    const line = { ...lineWith(entryOf('1', null)), at: -5.25e21 };

    expect(headOf(encodeLine(line, 0, 0xab))).toEqual({ seq: 121, instant: -5.25e21 });
    expect(headOf('{"d":1}')).toBeNull();
  });

  it('keeps a key named __proto__ as data and changes no prototype', () => {
    const text = encodeLine(lineWith(entryOf('1', { a: 1 })), 0, 0).replace(
      '"patch":{',
      '"patch":{"__proto__":{"x":1},',
    );

    const stored = decodeLine(text);

    const patch = typeof stored === 'string' ? null : stored.commits[0]?.entries[0]?.patch;
    expect(Object.keys(patch ?? {})).toEqual(['__proto__', 'a']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('refuses a number that would make the journal unreadable', () => {
    expect(() => encodeLine({ ...lineWith(entryOf('1', null)), at: Number.NaN }, 0, 0)).toThrow(
      /finite number/,
    );
  });

  it.each([
    ['[1]', 'JSON that is not an object'],
    ['null', 'JSON that is not an object'],
    ['{"s":1', 'text that is not JSON'],
    ['{"s":-1,"d":0,"p":"","at":0}', 'a line without s, d, p or at'],
    ['{"s":1,"d":0,"p":"","at":0}', 'a line without by or mv'],
    ['{"s":1,"d":0,"p":"","at":0,"by":"","mv":"","o":[]}', 'a line without entries'],
    ['{"s":1,"d":0,"p":"","at":0,"by":"","mv":"","o":[7]}', 'an entry that is not an object'],
    ['{"s":1,"d":0,"p":"","at":0,"by":"","mv":"","o":[{"on":"job/1"}]}', 'an entry without on, ev or q'],
    [
      '{"s":1,"d":0,"p":"","at":0,"by":"","mv":"","o":[{"on":"cat/1","ev":"e","q":0}]}',
      'an entry on an unknown kind of record',
    ],
    [
      '{"s":1,"d":0,"p":"","at":0,"by":"","mv":"","o":[{"on":"job/1","ev":"e","q":0,"patch":[]}]}',
      'an entry with a patch that is not an object',
    ],
    [
      '{"s":1,"d":0,"p":"","at":0,"by":"","mv":"","o":[{"on":"job/1","ev":"e","q":0,"to":4}]}',
      'an entry with a state that is not text',
    ],
  ])('of another shape is refused: %s', (text, reason) => {
    expect(decodeLine(text)).toBe(reason);
  });
});

describe('a header', () => {
  const header = { store: 'abc', generation: 7, base: 120, previous: '0000beef', at: 9 };

  it('is read back as it was written', () => {
    expect(decodeHeader(encodeHeader(header))).toEqual(header);
  });

  it('of a newer version names the version', () => {
    expect(decodeHeader(encodeHeader(header).replace('"v":1', '"v":2'))).toEqual({ newer: 2 });
  });

  it('of something else is refused', () => {
    expect(decodeHeader('{"h":{"format":"other"}}')).toBe('a first line that is not the header of a journal');
  });
});
