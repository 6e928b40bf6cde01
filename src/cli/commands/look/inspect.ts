import { readInspector } from '../../../inspector/index.ts';
import type { Answer } from '../../../inspector/protocol/answer.ts';
import type { Hello, Problem } from '../../../inspector/protocol/hello.ts';
import { type Command, type CommandResult, UnreachableError, UsageError } from '../../command.ts';
import { readerOf, storeOption } from './reader.ts';

/** Opens the pages of the inspector on a store that no process has open, or that one is at work in; or finds one that runs. */
export const inspect: Command = {
  name: 'inspect',
  summary: 'show a store in the browser, until this command is stopped; nothing is changed',
  argument: {
    name: 'place',
    summary: `${storeOption.summary}; or the address of an inspector that runs`,
    isOptional: true,
  },
  options: [{ flags: '--port <number>', summary: 'the port to listen on (default: a free one)' }],
  async run({ place, port }) {
    if (place === undefined || !/^https?:/i.test(place)) return openStore(place, port ?? '0');
    if (!URL.canParse(place)) throw new UsageError('Expected the address of an inspector, got other text.');
    if (port !== undefined)
      throw new UsageError('Expected no --port with an address: its inspector listens already.');
    return findInspector(new URL(place));
  },
};

async function openStore(directory: string | undefined, port: string): Promise<CommandResult> {
  const number = Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw new UsageError(`Expected --port to be a whole number from 0 to 65535, got ${port}.`);
  const reader = await readerOf({ ...(directory !== undefined && { store: directory }) });
  const { seq, at } = await reader.position();
  const { url } = await readInspector(reader).listen({ port: number });
  return {
    isGood: true,
    lines: [
      `The store as it was at ${new Date(at).toISOString()}, entry ${seq}.`,
      `Open ${url}`,
      'Stop with Ctrl+C.',
    ],
    json: { url, seq, at },
  };
}

/** Asks an inspector that runs how it does. */
async function findInspector(url: URL): Promise<CommandResult> {
  const response = await helloOf(url);
  const body = (await response.json().catch(() => null)) as (Answer<Hello> & Partial<Problem>) | null;
  if (body?.error !== undefined) {
    const { code, text, repair } = body.error;
    throw new Error(`${code}: ${text} ${repair}`.trim());
  }
  if (response.status !== 200 || body?.data?.v !== 1)
    throw new Error(
      `Expected an inspector at ${url.origin}${url.pathname}, got something else with HTTP status ${response.status}. Give the address that the program printed, or the path under which it is mounted.`,
    );
  const { seq, at, data } = body;
  const { store, place, source, level, user } = data;
  const where = place === store ? store : `${store} in ${place}`;
  return {
    isGood: true,
    lines: [
      `Store ${where}, ${source === 'live' ? 'at work' : 'closed'}: entry ${seq} at ${new Date(at).toISOString()}.`,
      `You are ${user}, with level ${level}.`,
      `Open ${url.href}`,
    ],
    json: { url: url.href, seq, at, store, place, source, level, user },
  };
}

async function helloOf(url: URL): Promise<Response> {
  const base = new URL(url.pathname.endsWith('/') ? url : `${url.origin}${url.pathname}/`);
  const [, token] = /^#t=([\w-]+)$/.exec(url.hash) ?? [];
  try {
    return await fetch(new URL('api/v1/hello', base), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(10_000),
      redirect: 'error',
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
    throw new UnreachableError(
      `No inspector answers at ${url.origin}${url.pathname}${cause === '' ? '' : `: ${cause}`}. Check that its process runs, and that it is mounted or listens.`,
    );
  }
}
