import { render } from 'preact';
import { followAddress, go, startTheme } from './app-state.ts';
import { startClock } from './connection.ts';
import { startKeys } from './keys.ts';
import { Shell } from './shell/shell.tsx';

startTheme();
followAddress();
startClock();
startKeys({ o: () => go('#/overview'), j: () => go('#/jobs') });
render(<Shell />, document.body);
