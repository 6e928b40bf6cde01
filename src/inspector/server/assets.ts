import type { UiFile } from './ports.ts';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The built pages. They are read once, at the first request: no path of an address reaches the disk. */
export class Assets {
  readonly #read: () => readonly UiFile[] | null;
  #files: ReadonlyMap<string, UiFile> | null = null;

  constructor(read: () => readonly UiFile[] | null) {
    this.#read = read;
  }

  /** `index.html`, or a file of `assets`. */
  answer(name: string, request: Request): Response {
    this.#files ??= byName(this.#read());
    if (this.#files === null) return notBuilt();
    const file = this.#files.get(name);
    if (file === undefined) return new Response('There is no such file.', { status: 404 });
    const wantsBrotli = /\bbr\b/.test(request.headers.get('accept-encoding') ?? '');
    const brotli = wantsBrotli ? file.brotli : null;
    const headers = new Headers({
      'content-type': types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
      'cache-control': name === 'index.html' ? 'no-store' : 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    });
    if (brotli !== null) headers.set('content-encoding', 'br');
    return new Response(request.method === 'HEAD' ? null : (brotli ?? file.bytes), { headers });
  }
}

function byName(files: readonly UiFile[] | null): ReadonlyMap<string, UiFile> | null {
  return files === null ? null : new Map(files.map((file) => [file.name, file]));
}

function notBuilt(): Response {
  return new Response('The pages of the inspector were not built. Run npm run build.', { status: 503 });
}
