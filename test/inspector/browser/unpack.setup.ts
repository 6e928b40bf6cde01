import { findChromium } from './chromium.ts';

/**
 * Unpacks the browser before the first file needs it, so that two files do not do it at once. Where it unpacks to, and with which
 * libraries and fonts it runs, is in the environment, which the processes of all tests would get.
 */
export default async function setup(): Promise<void> {
  const before = { ...process.env };
  await findChromium();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
}
