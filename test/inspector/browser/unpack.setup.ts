import { findChromium } from './chromium.ts';

/** Unpacks the browser before the first file needs it, so that two files do not do it at once. */
export default async function setup(): Promise<void> {
  await findChromium();
}
