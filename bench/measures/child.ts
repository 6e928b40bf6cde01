// A process for the measurements of one contender, so that no other contender fills its heap or shapes its
// machine code.
process.on('message', async ({ url, options }: { url: string; options: unknown }) => {
  const { measure }: { measure(options: unknown): Promise<object> } = await import(url);
  process.send?.(await measure(options));
});
// Some peers leave timers that would keep the process alive for a minute.
process.on('disconnect', () => process.exit(0));
