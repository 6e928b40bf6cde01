import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** Colours are numbers: red, green and blue, a byte each. */
interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;
}

const mostColours = 256;
/** The others are those that are farthest from them: a small red sign is seldom, and must stay red. */
const mostFrequent = 192;

/**
 * A picture of a page with 256 colours: a fifth of the bytes, and the eye sees no difference, since all other colours are shades at
 * the edges of letters.
 */
export function withPalette(png: Buffer): Buffer {
  const picture = decoded(png);
  const { colours, indexOf } = paletteOf(picture.pixels);
  const { width, height, pixels } = picture;
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      rows[y * (width + 1) + x + 1] = indexOf.get(pixels[y * width + x] ?? 0) ?? 0;
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(colours.flatMap(bytesOf))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function paletteOf(pixels: Uint32Array) {
  const counts = new Map<number, number>();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  // Equally frequent ones in order of colour: the same picture gives the same file.
  const all = [...counts].sort(([one, n], [other, m]) => m - n || one - other).map(([colour]) => colour);
  const colours = all.slice(0, mostFrequent);
  const nearest = new Map(all.map((colour) => [colour, nearestTo(colour, colours)]));
  while (colours.length < Math.min(mostColours, all.length)) {
    const farthest = all.reduce((far, colour) => {
      return distance(colour, nearest.get(colour) ?? 0) > distance(far, nearest.get(far) ?? 0) ? colour : far;
    });
    colours.push(farthest);
    for (const colour of all)
      if (distance(colour, farthest) < distance(colour, nearest.get(colour) ?? 0))
        nearest.set(colour, farthest);
  }
  const places = new Map(colours.map((colour, index) => [colour, index]));
  return { colours, indexOf: new Map(all.map((colour) => [colour, places.get(nearest.get(colour) ?? 0)])) };
}

function nearestTo(colour: number, colours: readonly number[]): number {
  return colours.reduce((best, each) => (distance(each, colour) < distance(best, colour) ? each : best));
}

function distance(one: number, other: number): number {
  const [red = 0, green = 0, blue = 0] = bytesOf(one).map(
    (value, index) => value - (bytesOf(other)[index] ?? 0),
  );
  return red * red + green * green + blue * blue;
}

function bytesOf(colour: number): number[] {
  return [colour >> 16, (colour >> 8) & 255, colour & 255];
}

/** Reads what Chromium writes: 8 bits, red, green and blue, with alpha or without. */
function decoded(png: Buffer): Picture {
  let [width, height, size] = [0, 0, 0];
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 8, at + 8 + length);
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IHDR')
      [width, height, size] = [body.readUInt32BE(0), body.readUInt32BE(4), body[9] === 2 ? 3 : 4];
    if (type === 'IDAT') data.push(body);
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(data));
  const stride = width * size;
  const pixels = new Uint32Array(width * height);
  let before = Buffer.alloc(stride);
  for (let y = 0; y < height; y += 1) {
    const start = y * (stride + 1);
    const row = raw.subarray(start + 1, start + 1 + stride);
    unfilter(raw[start] ?? 0, row, before, size);
    for (let x = 0; x < width; x += 1) pixels[y * width + x] = row.readUIntBE(x * size, 3);
    before = row;
  }
  return { width, height, pixels };
}

function unfilter(filter: number, row: Buffer, above: Buffer, size: number): void {
  for (let at = 0; at < row.length; at += 1) {
    const left = at < size ? 0 : (row[at - size] ?? 0);
    const up = above[at] ?? 0;
    const corner = at < size ? 0 : (above[at - size] ?? 0);
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
    row[at] = ((row[at] ?? 0) + guess) & 255;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(guess - value)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
