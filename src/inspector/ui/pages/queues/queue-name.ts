/** The name of a queue as it is shown: the default one has none. */
export function queueName(name: string): string {
  return name === '' ? "''" : name;
}
