/* What the tests use of Express, which brings no types. */
declare module 'express' {
  import type { RequestListener } from 'node:http';

  interface Application extends RequestListener {
    use(...handlers: readonly unknown[]): this;
  }
  const express: { (): Application; json(): unknown };
  export default express;
}
