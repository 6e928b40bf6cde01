import { render } from 'preact';
import { followAddress, go, startTheme } from './app-state.ts';
import { startClock } from './connection.ts';
import { startKeys } from './keys.ts';
import { pageLinks } from './shell/pages.tsx';
import { Shell } from './shell/shell.tsx';

startTheme();
followAddress();
startClock();
startKeys(Object.fromEntries(pageLinks.map(({ key, hash }) => [key, () => go(hash)])));
render(<Shell />, document.body);
