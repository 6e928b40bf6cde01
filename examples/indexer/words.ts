/** Returns the words of a text in lower case (letters, digits and `_`), each once, sorted by code unit. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]+/gu))].sort();
}
