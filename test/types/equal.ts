/** Whether two types are the same, `any` and `unknown` told apart. */
export type Equal<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
export function same<_Same extends true>(): void {}
