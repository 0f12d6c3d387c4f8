import { getI64 } from '../../../../engine/units.ts';
import { Channel, FrameKind, LevelUpdate, Side, Status, Trade } from '../../../../engine/wire/layout.ts';
import type { MarketFrameReader } from '../../../../engine/wire/market-frames.ts';
import type { ProtoWriter } from '../../../protobuf/proto-writer.ts';
import type { SymbolEntry } from './symbol-table.ts';

/** Levels and trades of one message at most: so a deep book takes no turn of the loop for itself. */
const MOST = 512;
/** More than a level, a trade or the fields of a message around them take. */
const MAX_BYTES = 256;

/**
 * Writes a message of SubscribeBookResponse, SubscribeTradesResponse or SubscribeStatusResponse from a frame of its channel.
 * @param frame of a symbol, open: a snapshot or a delta
 * @param from the first of its structs for this message
 * @returns the first one for the next message; the count of the frame when it is done
 */
export function writeUpdate(out: ProtoWriter, frame: MarketFrameReader, symbol: SymbolEntry, from: number): number {
  out.reserve(MAX_BYTES);
  const isDelta = frame.kind === FrameKind.Delta;
  out.text(1, symbol.text);
  // Snapshot and delta have the same numbers in both schemas.
  out.number(2, frame.kind);
  out.number(3, frame.firstNo + (isDelta ? from : 0));
  if (frame.channel === Channel.Status) return writeStatus(out, frame, symbol, from);
  const to = Math.min(frame.count, from + MOST);
  if (frame.channel === Channel.Book) {
    out.flag(4, !isDelta && to < frame.count);
    for (let i = from; i < to; i++) writeLevel(out, frame.words, frame.at + (i * LevelUpdate.bytes) / 4, symbol);
    out.reserve(MAX_BYTES);
    out.time(7, frame.timeUs);
    return to;
  }
  for (let i = from; i < to; i++) writeTrade(out, frame.words, frame.at + (i * Trade.bytes) / 4, symbol);
  out.reserve(MAX_BYTES);
  out.time(5, frame.timeUs);
  return to;
}

function writeLevel(
  out: ProtoWriter,
  words: Int32Array,
  at: number,
  { tickMantissa, tickDecimals, lotMantissa, lotDecimals }: SymbolEntry,
): void {
  out.reserve(MAX_BYTES);
  const begun = out.begin((words[at] & 0xff) === Side.Buy ? 5 : 6);
  out.decimal(1, getI64(words, at + LevelUpdate.price / 4), tickMantissa, tickDecimals);
  out.decimal(2, getI64(words, at + LevelUpdate.quantity / 4), lotMantissa, lotDecimals);
  out.number(3, words[at + LevelUpdate.orders / 4] >>> 0);
  out.end(begun);
}

function writeTrade(
  out: ProtoWriter,
  words: Int32Array,
  at: number,
  { tickMantissa, tickDecimals, lotMantissa, lotDecimals }: SymbolEntry,
): void {
  out.reserve(MAX_BYTES);
  const number = (byte: number): number => getI64(words, at + byte / 4);
  const auction = ((words[at] >>> 8) & 0xff) !== 0;
  const begun = out.begin(4);
  out.number(1, number(Trade.tradeId));
  out.decimal(2, number(Trade.price), tickMantissa, tickDecimals);
  out.decimal(3, number(Trade.quantity), lotMantissa, lotDecimals);
  if (!auction) out.number(4, (words[at] & 0xff) + 1);
  out.flag(5, auction);
  out.number(6, number(Trade.buyOrderId));
  out.number(7, number(Trade.sellOrderId));
  out.number(8, number(Trade.seq));
  out.time(9, number(Trade.timeUs));
  out.end(begun);
}

/** A message has one state. */
function writeStatus(out: ProtoWriter, frame: MarketFrameReader, symbol: SymbolEntry, from: number): number {
  const { words, timeUs, count } = frame;
  if (from === count) return count;
  const { tickMantissa, tickDecimals, lotMantissa, lotDecimals } = symbol;
  const at = frame.at + (from * Status.bytes) / 4;
  const price = (field: number, byte: number): void => {
    const ticks = getI64(words, at + byte / 4);
    if (ticks !== 0) out.decimal(field, ticks, tickMantissa, tickDecimals);
  };
  const quantity = (field: number, byte: number): void => {
    const lots = getI64(words, at + byte / 4);
    if (lots !== 0) out.decimal(field, lots, lotMantissa, lotDecimals);
  };
  out.number(4, (words[at] & 0xff) + 1);
  out.number(5, (words[at] >>> 16) & 0xff);
  price(6, Status.indicativePrice);
  quantity(7, Status.indicativeVolume);
  quantity(8, Status.surplus);
  if (getI64(words, at + Status.surplus / 4) !== 0) out.number(9, ((words[at] >>> 8) & 0xff) + 1);
  price(10, Status.referencePrice);
  price(11, Status.lastPrice);
  const endMs = words[at + Status.earliestEndMs / 4] >>> 0;
  if (endMs !== 0) out.time(12, getI64(words, at + Status.timeUs / 4) + endMs * 1000);
  out.time(13, timeUs);
  return from + 1;
}
