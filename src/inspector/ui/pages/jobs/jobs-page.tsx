export function JobsPage(_: {
  readonly list: string;
  readonly queue: string | null;
  readonly names: string;
}) {
  return <main />;
}
