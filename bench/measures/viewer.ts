/** A viewer of a page of the inspector, without a browser: only what reaches the process that is looked at counts. */
export interface Viewer {
  /** How many answers, or frames of a stream, have come. */
  answers(): number;
  leave(): Promise<void>;
}

/** Opens a page: asks what it asks, and goes on listening until it leaves. */
export async function openPage(url: string, question: string): Promise<Viewer> {
  const page = new Page(url);
  await page.ask('hello');
  const streamed = await page.stream([question]);
  return streamed ?? page.poll(question);
}

/** What a page of the inspector knows: where it is, and its token. */
export class Page {
  readonly #api: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string) {
    const { origin, hash } = new URL(url);
    this.#api = `${origin}/api/v1/`;
    this.#headers = { authorization: `Bearer ${hash.slice('#t='.length)}` };
  }

  /** Asks once. */
  async ask(question: string): Promise<{ readonly seq: number }> {
    const response = await fetch(`${this.#api}${question}`, { headers: this.#headers });
    if (!response.ok) throw new Error(`Expected ${question} to be answered, got ${await response.text()}.`);
    return (await response.json()) as { readonly seq: number };
  }

  /** Lets the answers come as they change. Null: this inspector has no streams. */
  async stream(topics: readonly string[]): Promise<Viewer | null> {
    const leaving = new AbortController();
    const response = await fetch(`${this.#api}stream`, {
      method: 'POST',
      headers: {
        ...this.#headers,
        'content-type': 'application/json',
        'x-signalbox': '1',
        'sec-fetch-site': 'same-origin',
      },
      body: JSON.stringify({ topics }),
      signal: leaving.signal,
    });
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      return null;
    }
    let frames = 0;
    const reading = read(response.body, (lines) => {
      frames += lines;
    });
    return {
      answers: () => frames,
      leave: () => {
        leaving.abort();
        return reading;
      },
    };
  }

  /** Asks again and again, each time with the name of the answer that it has. */
  poll(question: string): Viewer {
    let answers = 0;
    let etag = '';
    const ask = async (): Promise<void> => {
      const headers = { ...this.#headers, 'if-none-match': etag };
      const response = await fetch(`${this.#api}${question}`, { headers });
      await response.arrayBuffer();
      etag = response.headers.get('etag') ?? '';
      answers += 1;
    };
    let asked = ask();
    const timer = setInterval(() => {
      asked = asked.then(ask);
    }, 1_000);
    return {
      answers: () => answers,
      leave: () => {
        clearInterval(timer);
        return asked;
      },
    };
  }
}

async function read(body: ReadableStream<Uint8Array>, heard: (lines: number) => void): Promise<void> {
  try {
    for await (const bytes of body) heard(bytes.filter((byte) => byte === 10).length);
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
  }
}
