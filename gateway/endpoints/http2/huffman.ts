/**
 * The Huffman code of header texts (RFC 7541, appendix B). It is canonical: codes are in the order of their lengths, and of the bytes
 * within a length, so that the lengths are all there is to know.
 */

/** Bits of the code of each byte. */
// biome-ignore format: sixteen a line
const CODE_BITS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];
/** The code of the end of a text: padding is made of its first bits, which are ones. */
const END = 256;
const END_BITS = 30;
const MAX_PADDING_BITS = 7;

/** Of a step: a byte was completed. */
const EMITS = 1 << 8;
/** The code is none. */
const FAILS = 1 << 9;
const STATE_SHIFT = 10;

/**
 * What four bits do in a state: the byte that they complete, if they do, and the next state. States are the inner nodes of the
 * code's tree; no code is shorter than four bits, so that a step completes one byte at most.
 */
const STEPS = steps();
/** States in which a text may end: at most seven bits into the code of its end. */
const ENDS = ends();

/**
 * Decodes a text from `at` to `end` into `into`, which has room for 8/5 of its length.
 * @returns bytes of the text; -1: it is no text
 */
export function decodeHuffman(bytes: Buffer, at: number, end: number, into: Buffer): number {
  let state = 0;
  let length = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i];
    let step = STEPS[(state << 4) | (byte >>> 4)];
    if ((step & EMITS) !== 0) into[length++] = step;
    if ((step & FAILS) !== 0) return -1;
    step = STEPS[((step >>> STATE_SHIFT) << 4) | (byte & 15)];
    if ((step & EMITS) !== 0) into[length++] = step;
    if ((step & FAILS) !== 0) return -1;
    state = step >>> STATE_SHIFT;
  }
  return ENDS[state] === 1 ? length : -1;
}

/** A node of the tree: children 0 and 1, as indexes of inner nodes, or -1 - byte for leaves; undefined: no code begins so. */
type Node = [number | undefined, number | undefined];

function steps(): Uint32Array {
  const nodes = tree();
  const table = new Uint32Array(nodes.length << 4);
  for (let state = 0; state < nodes.length; state++)
    for (let bits = 0; bits < 16; bits++) table[(state << 4) | bits] = step(nodes, state, bits);
  return table;
}

/** By state, 1: a text may end in it. */
function ends(): Uint8Array {
  const nodes = tree();
  const found = new Uint8Array(nodes.length);
  let state = 0;
  for (let bits = 0; bits <= MAX_PADDING_BITS; bits++) {
    found[state] = 1;
    state = nodes[state][1] as number;
  }
  return found;
}

function step(nodes: readonly Node[], state: number, bits: number): number {
  let at = state;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = nodes[at][((bits >> bit) & 1) as 0 | 1];
    if (next === undefined || next === -1 - END) return FAILS;
    if (next < 0) {
      emitted = EMITS | (-1 - next);
      at = 0;
    } else at = next;
  }
  return (at << STATE_SHIFT) | emitted;
}

function tree(): Node[] {
  const nodes: Node[] = [[undefined, undefined]];
  const bitsOf = [...CODE_BITS, END_BITS];
  const inOrder = bitsOf.map((_, byte) => byte).sort((a, b) => bitsOf[a] - bitsOf[b] || a - b);
  let code = 0;
  let bits = 0;
  for (const byte of inOrder) {
    code <<= bitsOf[byte] - bits;
    bits = bitsOf[byte];
    plant(nodes, code, bits, byte);
    code++;
  }
  return nodes;
}

function plant(nodes: Node[], code: number, bits: number, byte: number): void {
  let at = 0;
  for (let bit = bits - 1; bit > 0; bit--) {
    const branch = ((code >> bit) & 1) as 0 | 1;
    let next = nodes[at][branch];
    if (next === undefined) {
      next = nodes.push([undefined, undefined]) - 1;
      nodes[at][branch] = next;
    }
    at = next;
  }
  nodes[at][(code & 1) as 0 | 1] = -1 - byte;
}
