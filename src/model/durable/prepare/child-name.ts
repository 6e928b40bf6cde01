/** Whether a text can name a child: ids of its jobs and actors hold it between slashes. */
export function isChildName(name: unknown): name is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  return typeof name === 'string' && /^[^/#|*\u0000-\u001f\u007f]{1,128}$/.test(name) && name.isWellFormed();
}
