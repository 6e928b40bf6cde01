/** The words of a text: runs of letters, digits and `_` in small letters, each once, by code unit. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]+/gu))].sort();
}
