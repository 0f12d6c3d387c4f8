import { isStaticValue, staticIndex } from './header-table.ts';

/** Values by name; names are in lower case, pseudo headers first. */
export type OutgoingHeaders = Readonly<Record<string, string>>;

/**
 * Encodes headers without state (RFC 7541): static fields, and literals that are not indexed. So a block that is always the same is
 * encoded once, and blocks may be sent in any order.
 */
export function encodeHeaders(headers: OutgoingHeaders): Buffer {
  const pieces: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) encodeField(pieces, name, value);
  return Buffer.concat(pieces);
}

/** The first block of a connection begins with it: the table of this side has no entries, whatever the peer permits. */
export const NO_TABLE = 0x20;

function encodeField(pieces: Buffer[], name: string, value: string): void {
  const index = staticIndex(name, value);
  if (index !== 0 && isStaticValue(index, value)) return void pieces.push(integer(0x80, 7, index));
  pieces.push(integer(0, 4, index));
  if (index === 0) text(pieces, name);
  text(pieces, value);
}

function text(pieces: Buffer[], value: string): void {
  const bytes = Buffer.from(value, 'latin1');
  pieces.push(integer(0, 7, bytes.length), bytes);
}

function integer(pattern: number, prefixBits: number, value: number): Buffer {
  const most = (1 << prefixBits) - 1;
  if (value < most) return Buffer.from([pattern | value]);
  const bytes = [pattern | most];
  let rest = value - most;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
