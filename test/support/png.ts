import { inflateSync } from 'node:zlib';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Grey in [0, 255], row by row. */
  readonly grey: Uint8Array;
}

/** @param png 8 bits a channel, RGB or RGBA, not interlaced, as written by Chromium @throws Error for any other format */
export function decodePng(png: Buffer): Pixels {
  const header = png.indexOf('IHDR') + 4;
  const [width, height] = [png.readUInt32BE(header), png.readUInt32BE(header + 4)];
  const [depth, colour, , , interlace] = png.subarray(header + 8, header + 13);
  if (depth !== 8 || (colour !== 2 && colour !== 6) || interlace !== 0) throw new Error(`PNG: depth ${depth}, colour ${colour}`);
  const step = colour === 6 ? 4 : 3;
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const rows = inflateSync(Buffer.concat(data));
  const stride = width * step;
  const grey = new Uint8Array(width * height);
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const row = unfilter(rows[start], rows.subarray(start + 1, start + 1 + stride), above, step);
    for (let x = 0; x < width; x++) grey[y * width + x] = (row[x * step] + row[x * step + 1] + row[x * step + 2]) / 3;
    above = row;
  }
  return { width, height, grey };
}

/** Each byte is stored as its difference from the left, the upper one, their mean, or the nearest of three (Paeth). */
function unfilter(filter: number, from: Uint8Array, above: Uint8Array, step: number): Uint8Array<ArrayBuffer> {
  const row = new Uint8Array(from.length);
  for (let index = 0; index < row.length; index++) {
    const left = index < step ? 0 : row[index - step];
    const up = above[index];
    const corner = index < step ? 0 : above[index - step];
    row[index] = from[index] + [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
  }
  return row;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The mean of each block of `size` by `size` pixels, in which letters are blurred. */
export function blockMeans({ width, height, grey }: Pixels, size: number): number[] {
  const means: number[] = [];
  for (let top = 0; top + size <= height; top += size)
    for (let left = 0; left + size <= width; left += size) {
      let sum = 0;
      for (let y = top; y < top + size; y++) for (let x = left; x < left + size; x++) sum += grey[y * width + x];
      means.push(sum / (size * size));
    }
  return means;
}
