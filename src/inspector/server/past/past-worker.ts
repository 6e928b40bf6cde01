import { after, pause, servePastThread } from './past-port.ts';
import { createPastServer } from './past-server.ts';

servePastThread((data) => createPastServer(data, { after, pause }));
