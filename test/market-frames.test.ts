import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Builder, ByteBuffer } from 'flatbuffers';
import { Code } from '../engine/codes.ts';
import { putI64 } from '../engine/units.ts';
import { CHANNELS } from '../engine/wire/channels/channels.ts';
import { MarketFrame } from '../engine/wire/generated/market-frame.js';
import { MarketRequest } from '../engine/wire/generated/market-request.js';
import { JsonBytes, jsonFields, UNSCALED } from '../engine/wire/json-bytes.ts';
import { Channel, FrameKind, LevelUpdate, MarketOp, OrderAction, OrderUpdate, Side, Trade } from '../engine/wire/layout.ts';
import {
  FrameArena,
  type FrameHead,
  MarketFrameReader,
  MarketRequestReader,
  marketRequest,
  STRUCT_BYTES,
  StructList,
} from '../engine/wire/market-frames.ts';
import { jsonFrame, RAW_JSON } from '../engine/wire/market-json.ts';
import { SIDE_NAMES } from '../engine/wire/names.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import { decodeBinary, decodeJson } from '../gateway/client/market-decode.ts';
import { flatbuffer } from '../gateway/market/formats/flatbuffer.ts';

const BIG = 2 ** 53 - 1;
/** Field of the first channel's vector in a frame. */
const FIRST_VECTOR = 8;

function head(kind: number, channel: number) {
  return { kind, channel, symbol: 7, code: 108, tag: 2 ** 32 - 1, firstNo: BIG, timeUs: 1_700_000_000_123_456 };
}

function fill(channel: number, count: number): StructList {
  const list = new StructList(STRUCT_BYTES[channel], 2);
  for (let i = 0; i < count; i++) {
    const at = list.add();
    if (channel === Channel.Book) {
      list.words[at] = Side.Sell;
      list.words[at + LevelUpdate.orders / 4] = 3 + i;
      putI64(list.words, at + LevelUpdate.price / 4, 100 + i);
      putI64(list.words, at + LevelUpdate.quantity / 4, BIG - i);
      putI64(list.words, at + LevelUpdate.seq / 4, 9);
    } else if (channel === Channel.BookL3) {
      list.words[at] = OrderAction.Remove | (Side.Sell << 8);
      putI64(list.words, at + OrderUpdate.orderId / 4, BIG);
      putI64(list.words, at + OrderUpdate.price / 4, 100 + i);
    } else if (channel === Channel.Trades) {
      list.words[at] = Side.Buy | (1 << 8);
      putI64(list.words, at + Trade.tradeId / 4, 5 + i);
      putI64(list.words, at + Trade.sellOrderId / 4, BIG);
    }
  }
  return list;
}

test('the generated accessors read the frames correctly', () => {
  const arena = new FrameArena(64);
  for (const channel of Object.values(Channel)) {
    for (const count of [0, 1, 40]) {
      const bytes = arena.frame(head(FrameKind.Delta, channel), fill(channel, count));
      const frame = MarketFrame.getRootAsMarketFrame(new ByteBuffer(bytes.slice()));
      assert.equal(frame.schemaVersion(), 1);
      assert.equal(frame.kind(), FrameKind.Delta);
      assert.equal(frame.channel(), channel);
      assert.equal(frame.symbol(), 7);
      assert.equal(frame.code(), 108);
      assert.equal(frame.tag(), 2 ** 32 - 1);
      assert.equal(frame.firstNo(), BigInt(BIG));
      assert.equal(frame.timeUs(), 1_700_000_000_123_456n);
      const lengths = [frame.levelsLength(), frame.ordersLength(), frame.bbosLength(), frame.tradesLength(), frame.statusesLength()];
      assert.deepEqual(
        lengths,
        lengths.map((_, i) => (i === CHANNELS[channel].vectorField - FIRST_VECTOR ? count : 0)),
      );
      if (channel === Channel.Book && count > 0) {
        const level = frame.levels(count - 1);
        assert.ok(level);
        assert.equal(level.side(), Side.Sell);
        assert.equal(level.orders(), 3 + count - 1);
        assert.equal(level.price(), BigInt(100 + count - 1));
        assert.equal(level.quantity(), BigInt(BIG - (count - 1)));
      }
    }
  }
  const bare = MarketFrame.getRootAsMarketFrame(new ByteBuffer(arena.frame(head(FrameKind.Pong, 0), undefined).slice()));
  assert.equal(bare.kind(), FrameKind.Pong);
  assert.equal(bare.levelsLength(), 0);
});

test('frames in an arena stay unchanged while it grows, until it is reset', () => {
  const arena = new FrameArena(128);
  const frames = Array.from({ length: 50 }, (_, i) => arena.frame({ ...head(FrameKind.Delta, 0), firstNo: i }, fill(0, i)));
  for (const [i, bytes] of frames.entries()) {
    const { firstNo, updates } = decodeBinary(bytes);
    assert.equal(firstNo, i);
    assert.equal(updates.length, i);
  }
});

function text(head: FrameHead, name: string, structs: StructList | undefined): string {
  const out = new JsonBytes(8);
  jsonFrame(out, RAW_JSON, head, { name, scale: UNSCALED }, structs);
  return Buffer.from(out.written).toString('latin1');
}

test('integers in JSON', () => {
  const prng = new Prng(5);
  const field = jsonFields([
    ['wide', 0, 'i64'],
    ['word', 8, 'u32'],
    ['byte', 13, 'u8'],
    ['side', 14, SIDE_NAMES],
  ]);
  const words = new Int32Array(4);
  const powers = Array.from({ length: 16 }, (_, i) => 10 ** i).flatMap((power) => [power - 1, power, power + 1, -power]);
  const random = Array.from({ length: 1000 }, (_, i) => Math.floor((prng.below(2 ** 32) + 0.5) * 2 ** ((i % 54) - 32)));
  for (const value of [0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, ...powers, ...random]) {
    putI64(words, 0, value);
    words[2] = value;
    words[3] = 0x01_ff_00 | 7;
    const out = new JsonBytes(1);
    out.struct(field, words, 0, UNSCALED);
    assert.equal(Buffer.from(out.written).toString(), `{"wide":${value},"word":${words[2] >>> 0},"byte":255,"side":"sell"}`);
  }
});

test('the memory of a very long text is not kept', () => {
  const out = new JsonBytes();
  for (const length of [500_000, 3_000_000]) {
    out.clear();
    out.text('x'.repeat(length));
    assert.equal(out.written.length, length);
  }
  out.clear();
  assert.ok(out.written.buffer.byteLength <= 2 ** 20);
});

test('binary and JSON have the same content', () => {
  const arena = new FrameArena();
  for (const channel of Object.values(Channel)) {
    const list = fill(channel, 3);
    const binary = decodeBinary(arena.frame({ ...head(FrameKind.Snapshot, channel), code: 0, tag: 0 }, list));
    const json = decodeJson(text({ ...head(FrameKind.Snapshot, channel), code: 0, tag: 0 }, 'S7', list));
    assert.deepEqual({ ...json, symbol: 7 }, binary);
  }
  const rejected = decodeJson(text(head(FrameKind.Refused, 3), 'S7', undefined));
  assert.equal(rejected.code, 'BAD_SUBSCRIPTION');
  assert.equal(rejected.channel, 'trades');
});

test('requests: ours and those of the generated builder', () => {
  const reader = new MarketRequestReader();
  const builder = new Builder(64);
  builder.finish(MarketRequest.createMarketRequest(builder, 1, MarketOp.Unsubscribe, Channel.Status, 77, 12, 0));
  for (const bytes of [marketRequest(MarketOp.Unsubscribe, Channel.Status, 77, 12), builder.asUint8Array()]) {
    assert.equal(reader.open(bytes), Code.OK);
    assert.deepEqual([reader.op, reader.channel, reader.symbol, reader.tag], [MarketOp.Unsubscribe, Channel.Status, 77, 12]);
    // Anywhere in a larger buffer.
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    assert.equal(reader.open(moved.subarray(3)), Code.OK);
  }
  const old = new Builder(64);
  old.finish(MarketRequest.createMarketRequest(old, 3, MarketOp.Ping, Channel.Book, 0, 0, 0));
  assert.equal(reader.open(old.asUint8Array()), Code.WRONG_SCHEMA_VERSION);
  assert.equal(reader.open(marketRequest(0, 0, 0, 0)), Code.UNKNOWN_KIND);
  assert.equal(reader.open(marketRequest(6, 0, 0, 0)), Code.UNKNOWN_KIND);
  assert.equal(reader.open(marketRequest(1, CHANNELS.length, 0, 3)), Code.BAD_ENUM);
  assert.equal(reader.tag, 3);
  assert.equal(reader.open(new Uint8Array(0)), Code.MALFORMED_FRAME);
});

test('the number of last trades: ours and that of the generated builder, and where it is allowed', () => {
  const reader = new MarketRequestReader();
  const builder = new Builder(64);
  builder.finish(MarketRequest.createMarketRequest(builder, 1, MarketOp.Subscribe, Channel.Trades, 7, 12, 100));
  const ours = marketRequest(MarketOp.Subscribe, Channel.Trades, 7, 12, 1, 100);
  for (const bytes of [ours, builder.asUint8Array()]) {
    assert.equal(reader.open(bytes), Code.OK);
    assert.deepEqual([reader.op, reader.channel, reader.symbol, reader.tag, reader.last], [1, Channel.Trades, 7, 12, 100]);
  }
  const read = MarketRequest.getRootAsMarketRequest(new ByteBuffer(ours));
  assert.deepEqual([read.op(), read.channel(), read.symbol(), read.tag(), read.last()], [1, Channel.Trades, 7, 12, 100]);
  assert.equal(reader.open(marketRequest(MarketOp.Subscribe, Channel.Trades, 7, 12)), Code.OK);
  assert.equal(reader.last, 0, 'nothing is left of the request before');

  const table: readonly [op: number, channel: number, last: number, code: Code][] = [
    [MarketOp.Subscribe, Channel.Trades, 1, Code.OK],
    [MarketOp.Subscribe, Channel.Trades, 100, Code.OK],
    [MarketOp.Subscribe, Channel.Trades, 101, Code.BAD_RANGE],
    [MarketOp.Subscribe, Channel.Trades, 255, Code.BAD_RANGE],
    [MarketOp.Subscribe, Channel.Book, 1, Code.BAD_RANGE],
    [MarketOp.Resnapshot, Channel.Trades, 1, Code.BAD_RANGE],
    [MarketOp.Ping, Channel.Trades, 1, Code.BAD_RANGE],
  ];
  for (const [op, channel, last, code] of table) {
    const ask = flatbuffer.request(marketRequest(op, channel, 7, 12, 1, last));
    assert.deepEqual([ask.code, ask.tag, ask.last], [code, 12, last], `${op} ${channel} ${last}`);
  }
});

test('damaged frames give codes, never exceptions', () => {
  const prng = new Prng(3);
  const request = new MarketRequestReader();
  const frame = new MarketFrameReader();
  const goods = [marketRequest(1, 2, 3, 4), new FrameArena().frame(head(FrameKind.Delta, 1), fill(1, 4)).slice()];
  const seen = new Set<number>();
  for (let i = 0; i < 20_000; i++) {
    const bytes = goods[i % 2].slice(0, prng.below(3) === 0 ? prng.below(goods[i % 2].length + 1) : undefined);
    for (let n = prng.below(6); n >= 0 && bytes.length > 0; n--)
      bytes[prng.below(bytes.length)] = prng.below(3) === 0 ? 255 : prng.below(256);
    seen.add(request.open(bytes));
    seen.add(frame.open(bytes));
    const size = STRUCT_BYTES[frame.channel] / 4;
    if (frame.count > 0) assert.ok(frame.at + frame.count * size <= frame.words.length);
  }
  for (const code of [Code.OK, Code.MALFORMED_FRAME, Code.WRONG_SCHEMA_VERSION, Code.UNKNOWN_KIND, Code.BAD_ENUM])
    assert.ok(seen.has(code));
});
