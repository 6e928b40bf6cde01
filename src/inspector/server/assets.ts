import { type UiFile, unpacked } from './ports.ts';

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
  readonly #unpacked = new Map<string, Uint8Array<ArrayBuffer>>();

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
    const isPacked = file.isPacked && wantsBrotli;
    const headers = new Headers({
      'content-type': types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
      'cache-control': name === 'index.html' ? 'no-store' : 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    });
    if (isPacked) headers.set('content-encoding', 'br');
    if (request.method === 'HEAD') return new Response(null, { headers });
    return new Response(isPacked ? file.bytes : this.#plain(file), { headers });
  }

  /** Browsers take brotli only over a safe line: what others get is unpacked once. */
  #plain(file: UiFile): Uint8Array<ArrayBuffer> {
    if (!file.isPacked) return file.bytes;
    const bytes = this.#unpacked.get(file.name) ?? unpacked(file.bytes);
    this.#unpacked.set(file.name, bytes);
    return bytes;
  }
}

function byName(files: readonly UiFile[] | null): ReadonlyMap<string, UiFile> | null {
  return files === null ? null : new Map(files.map((file) => [file.name, file]));
}

function notBuilt(): Response {
  return new Response('The pages of the inspector were not built. Run npm run build.', { status: 503 });
}
