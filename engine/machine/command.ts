import { NAME_BYTES } from '../rules/accounts.ts';
import { putI64 } from '../units.ts';
import { Command } from '../wire/layout.ts';

/** Fields of a command. Omitted fields are 0. openbell.fbs documents the fields of each kind. */
export interface CommandFields {
  readonly kind: number;
  readonly side?: number;
  readonly timeInForce?: number;
  readonly parameter?: number;
  readonly symbol?: number;
  readonly account?: number;
  readonly tag?: number;
  readonly seq?: number;
  readonly timeUs?: number;
  readonly clientOrderId?: number;
  readonly orderId?: number;
  readonly price?: number;
  readonly quantity?: number;
  /** Definitions only: 1 to 16 ASCII characters, in the bytes of price and quantity. */
  readonly name?: string;
}

/** Writes a command into a slot of 64-byte commands. Cold: the hot path copies bytes. */
export function encodeCommand(bytes: Uint8Array, words: Int32Array, slot: number, fields: CommandFields): void {
  const b = slot * Command.bytes;
  const w = b >> 2;
  bytes[b] = fields.kind;
  bytes[b + Command.side] = fields.side ?? 0;
  bytes[b + Command.timeInForce] = fields.timeInForce ?? 0;
  bytes[b + Command.parameter] = fields.parameter ?? 0;
  words[w + Command.symbol / 4] = fields.symbol ?? 0;
  words[w + Command.account / 4] = fields.account ?? 0;
  words[w + Command.tag / 4] = fields.tag ?? 0;
  putI64(words, w + Command.seq / 4, fields.seq ?? 0);
  putI64(words, w + Command.timeUs / 4, fields.timeUs ?? 0);
  putI64(words, w + Command.clientOrderId / 4, fields.clientOrderId ?? 0);
  putI64(words, w + Command.orderId / 4, fields.orderId ?? 0);
  putI64(words, w + Command.price / 4, fields.price ?? 0);
  putI64(words, w + Command.quantity / 4, fields.quantity ?? 0);
  if (fields.name === undefined) return;
  for (let i = 0; i < NAME_BYTES; i++) bytes[b + Command.price + i] = i < fields.name.length ? fields.name.charCodeAt(i) : 0;
}
