import { build, install, linkPackage } from '../../.ci/prepare.mjs';

install();
install('examples/express');
linkPackage('examples/express');
build();

const { register } = await import('tsx/esm/api');
register();
await import('./main.ts');
