import { join } from 'node:path';
import { build, install, linkPackage, root } from '../../.ci/prepare.mjs';

install();
install('examples/nest');
linkPackage('examples/nest');
build();

const { register } = await import('tsx/esm/api');
// Its decorators need the settings of this folder.
register({ tsconfig: join(root, 'examples', 'nest', 'tsconfig.json') });
await import('./main.ts');
