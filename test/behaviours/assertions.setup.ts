import { beforeEach, expect } from 'vitest';
import { idsIn } from './coverage.ts';

// A test that names a behaviour and asserts nothing would count without showing anything: it fails.
beforeEach(({ task }) => {
  if (idsIn(task.name).length > 0) expect.hasAssertions();
});
