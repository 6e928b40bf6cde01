#!/usr/bin/env node
import { runCli } from './run.ts';

// What reads the output may have enough of it: `signalbox tail | head`.
process.stdout.on('error', () => process.exit());

process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  end: (code) => process.exit(code),
});
