import { build, compile, install } from '../../.ci/prepare.mjs';

install();
build();
compile('examples/orders');
await import('./dist/main.js');
