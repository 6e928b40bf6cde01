/** What the machinery calls an event, as a person would say it: `after reminder`, `charge is done`. Events of programs stay as they are. */
export function eventWords(event: string, durationText: (ms: number) => string): string {
  const [, kind = '', rest = ''] =
    /^xstate\.(after|done\.actor|error\.actor|done\.state|init)\.?(.*)$/s.exec(event) ?? [];
  switch (kind) {
    case 'after': {
      const [delay = ''] = rest.split('.', 1);
      return `after ${/^\d+$/.test(delay) ? durationText(Number(delay)) : delay}`;
    }
    case 'done.actor':
      return `${rest} is done`;
    case 'error.actor':
      return `${rest} has failed`;
    case 'done.state':
      return `${rest.slice(rest.lastIndexOf('.') + 1)} is complete`;
    case 'init':
      return 'start';
    default:
      return event === '' ? 'always' : event;
  }
}
