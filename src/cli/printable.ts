/**
 * C0, C1, DEL, line separators, bidirectional controls and lone surrogates. Stored text must never move the
 * cursor or start a line.
 */
const controls =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is escaped
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

/** Escapes control characters: the result is one line that cannot control a terminal. */
export function printable(text: string): string {
  return text.replaceAll(controls, escaped);
}

/**
 * Writes a value as one line of JSON without control characters. They occur in strings only, so the value is
 * the same.
 */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Shorter passwords occur in too many words: they are removed from URLs only. */
const shortestSecret = 4;

/**
 * Removes passwords from a text: those in URLs, and those in the arguments of the command, wherever they
 * occur.
 */
export function withoutSecrets(text: string, given: readonly string[]): string {
  let safe = text
    .replaceAll(/([a-z][a-z+.-]*:\/\/[^\s:/@]*):[^\s/]*@/gi, '$1:***@')
    .replaceAll(/((?:password|passwd|pwd)=)[^&\s]*/gi, '$1***');
  for (const secret of given.flatMap(secretsIn)) safe = safe.replaceAll(secret, '***');
  return safe;
}

function secretsIn(text: string): readonly string[] {
  const found = [
    /:\/\/[^\s:/@]*:([^\s/]*)@/.exec(text)?.[1],
    ...[...text.matchAll(/(?:password|passwd|pwd)=([^&\s]*)/gi)].map((match) => match[1]),
  ].filter((secret) => secret !== undefined);
  return [...found, ...found.map(decoded)].filter((secret) => secret.length >= shortestSecret);
}

function decoded(secret: string): string {
  try {
    return decodeURIComponent(secret);
  } catch {
    return secret;
  }
}
