// TypeScript in a thread: the loader registers itself in the main thread only.
import { register } from 'tsx/esm/api';

register();
