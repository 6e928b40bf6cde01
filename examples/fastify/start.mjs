import { build, install, linkPackage } from '../../.ci/prepare.mjs';

install();
install('examples/fastify');
linkPackage('examples/fastify');
build();

const { register } = await import('tsx/esm/api');
register();
await import('./main.ts');
