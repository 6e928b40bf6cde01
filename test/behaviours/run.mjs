// npm run behaviours [-- --json] [--results FILE]: which behaviours of the catalogue a passing test shows.
import { install } from '../../.ci/prepare.mjs';

install();
const { register } = await import('tsx/esm/api');
register();
const { report } = await import('./report.ts');
process.exitCode = report(process.argv.slice(2));
