// A process for one measurement, so that no other has filled its heap or shaped its machine code.
const [url, options] = process.argv.slice(2) as [string, string];
const { measure }: { measure(options: unknown): Promise<unknown> } = await import(url);
const figures = JSON.stringify(await measure(JSON.parse(options)));
// Some peers leave timers behind that would keep the process for a minute.
process.stdout.write(`${figures}\n`, () => process.exit(0));
