import type { Look, Stage } from './open.ts';

/** Takes a picture of a page, once it stands. `keys` are pressed first, then the button with the text `click`. */
export async function pictureOf(
  stage: Stage,
  look: Look,
  hash: string,
  keys: readonly string[] = [],
  click?: string,
): Promise<Buffer> {
  const { page } = await stage.open(hash, look);
  for (const key of keys) await page.keyboard.press(key);
  if (click !== undefined) await page.click(`text=${click}`);
  // What moves with a key is drawn before the picture is taken.
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
  );
  const picture = await page.screenshot();
  await page.close();
  return picture;
}
