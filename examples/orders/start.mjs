import { build, install } from '../../.ci/prepare.mjs';

install();
build();

const { register } = await import('tsx/esm/api');
register();
await import('./main.ts');
