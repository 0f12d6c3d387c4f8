import { Command, CommandKind } from '../../../engine/wire/layout.ts';

const BYTES = ['side', 'timeInForce', 'parameter'] as const;
const WORDS = ['symbol', 'account', 'tag'] as const;
const LONGS = ['seq', 'timeUs', 'clientOrderId', 'orderId', 'price', 'quantity'] as const;

/**
 * The fields of a command as text, by name, and at the end its bytes in hex: in
 * a definition price and quantity hold a name.
 */
export function describeCommand(words: Int32Array): Record<string, string> {
  const bytes = Buffer.from(words.buffer, words.byteOffset, Command.bytes);
  const kind = bytes[Command.kind];
  const known = Object.entries(CommandKind).find(([, number]) => number === kind)?.[0];
  return {
    kind: known === undefined ? String(kind) : `${kind} ${known}`,
    ...Object.fromEntries(BYTES.map((name) => [name, String(bytes[Command[name]])])),
    ...Object.fromEntries(WORDS.map((name) => [name, String(bytes.readUInt32LE(Command[name]))])),
    ...Object.fromEntries(LONGS.map((name) => [name, String(bytes.readBigInt64LE(Command[name]))])),
    bytes: bytes.toString('hex'),
  };
}
