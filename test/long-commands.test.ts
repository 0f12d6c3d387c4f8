import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Builder, ByteBuffer } from 'flatbuffers';
import { Code, codeName } from '../engine/codes.ts';
import { getI64 } from '../engine/units.ts';
import { CommandFlag } from '../engine/wire/command-extension.ts';
import { CommandBatch, CommandFrameReader, type LongOrder, MAX_FRAME_COMMANDS } from '../engine/wire/frames.ts';
import { Command as FlatCommand } from '../engine/wire/generated/command.js';
import { CommandExtension as FlatExtension } from '../engine/wire/generated/command-extension.js';
import { CommandFrame } from '../engine/wire/generated/command-frame.js';
import { Command, CommandExtension, CommandKind, Instruction, OrderType, Side, TimeInForce } from '../engine/wire/layout.ts';
import { marketRequest } from '../engine/wire/market-frames.ts';
import { OrderKind } from '../engine/wire/order-kinds.ts';
import { RefusalList, ReportFrameWriter } from '../engine/wire/report-frames.ts';
import { Bench } from './support/intake-bench.ts';

const { Limit, Market } = OrderType;
const { Extended } = CommandFlag;
const { GoodTillCancel, ImmediateOrCancel, FillOrKill, PostOnly } = TimeInForce;
const marketFok: LongOrder = { symbol: 3, side: Side.Sell, orderType: Market, timeInForce: FillOrKill, quantity: 9, clientOrderId: 5 };
const iocMin: LongOrder = {
  symbol: 1,
  side: Side.Buy,
  orderType: Limit,
  timeInForce: ImmediateOrCancel,
  price: 100,
  quantity: 9,
  minQuantity: 4,
  clientOrderId: 6,
  tag: 77,
};

/** A frame by the flatbuffers package: each command with these flags, and extensions with these minimum quantities. */
function build(flags: readonly number[], minimums: readonly number[], version = 2): Uint8Array {
  const builder = new Builder(256);
  CommandFrame.startExtensionsVector(builder, minimums.length);
  for (const minimum of [...minimums].reverse())
    FlatExtension.createCommandExtension(builder, CommandKind.Extension, Limit, 0, 0, 0, 0, 0, 0n, 0n, 0n, 0n, BigInt(minimum), 0n);
  const extensions = builder.endVector();
  CommandFrame.startCommandsVector(builder, flags.length);
  for (const [i, its] of [...flags.entries()].reverse())
    FlatCommand.createCommand(builder, CommandKind.New, 0, ImmediateOrCancel, its, 1, 0, 0, 0n, 0n, BigInt(i + 1), 0n, 100n, 9n);
  const commands = builder.endVector();
  builder.finish(CommandFrame.createCommandFrame(builder, version, commands, extensions));
  return builder.asUint8Array().slice();
}

const words = new Int32Array(16 * 64);

describe('frames with extensions', () => {
  const reader = new CommandFrameReader();

  it('are read as the flatbuffers package builds them, from any byte offset', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 12 }), fc.nat(17), (long, by) => {
        const minimums = long.flatMap((is, i) => (is ? [i + 1] : []));
        const bytes = build(
          long.map((is) => Number(is)),
          minimums,
        );
        const pool = new Uint8Array(bytes.length + 64).fill(0xee);
        pool.set(bytes, by);
        assert.equal(reader.open(pool.subarray(by, by + bytes.length)), Code.OK);
        assert.deepEqual([reader.version, reader.count, reader.flagMask], [2, long.length, minimums.length === 0 ? 0 : 255]);
        for (const [i, minimum] of minimums.entries()) {
          reader.copyExtension(i, words, i);
          assert.equal(words[i * 16] & 255, CommandKind.Extension);
          assert.equal(getI64(words, i * 16 + CommandExtension.minQuantity / 4), minimum);
        }
      }),
    );
  });

  it('are readable by the generated accessors, also after a plain frame', () => {
    const batch = new CommandBatch(8);
    for (let round = 0; round < 2; round++) {
      batch.clear();
      batch.place(1, Side.Buy, GoodTillCancel, 7, 8, 1);
      assert.deepEqual([batch.version, batch.bytes().length], [1, 32 + 64]);
      batch.placeLong(marketFok);
      batch.placeLong(iocMin);
      batch.cancel(1, 1);
      assert.deepEqual([batch.version, batch.count, batch.full, batch.fitsLong], [2, 4, false, true]);
      const frame = CommandFrame.getRootAsCommandFrame(new ByteBuffer(batch.bytes()));
      assert.deepEqual([frame.schemaVersion(), frame.commandsLength(), frame.extensionsLength()], [2, 4, 2]);
      const commands = [0, 1, 2, 3].map((i) => frame.commands(i, new FlatCommand()) as FlatCommand);
      assert.deepEqual(
        commands.map((command) => [command.kind(), command.parameter(), command.timeInForce(), command.price(), command.quantity()]),
        [
          [1, 0, GoodTillCancel, 7n, 8n],
          [1, Extended, FillOrKill, 0n, 9n],
          [1, Extended, ImmediateOrCancel, 100n, 9n],
          [2, 0, 0, 0n, 0n],
        ],
      );
      const extensions = [0, 1].map((i) => frame.extensions(i, new FlatExtension()) as FlatExtension);
      assert.deepEqual(
        extensions.map((extension) => [extension.kind(), extension.orderType(), extension.instructions(), extension.minQuantity()]),
        [
          [CommandKind.Extension, Market, 0, 0n],
          [CommandKind.Extension, Limit, 0, 4n],
        ],
      );
      assert.equal(reader.open(batch.bytes()), Code.OK);
    }
  });

  it('a batch keeps the short form where one exists, and counts a long order as two', () => {
    const batch = new CommandBatch(4);
    const base = { symbol: 1, side: Side.Buy, quantity: 5, clientOrderId: 1 };
    batch.placeLong({ ...base, orderType: Market, timeInForce: ImmediateOrCancel });
    batch.placeLong({ ...base, orderType: Limit, timeInForce: GoodTillCancel, instructions: Instruction.PostOnly, price: 3 });
    assert.equal(batch.version, 1);
    assert.deepEqual(
      [0, 1].map((i) => batch.u8[32 + i * 64 + Command.timeInForce]),
      [OrderKind.Market, OrderKind.PostOnly],
    );
    batch.placeLong(iocMin);
    assert.ok(batch.full);
    assert.throws(() => batch.cancel(1, 1), /full/);
    batch.clear();
    for (let i = 0; i < 3; i++) batch.cancel(1, 1);
    assert.deepEqual([batch.full, batch.fitsLong], [false, false]);
    assert.throws(() => batch.placeLong(iocMin), /counts as two/);
    assert.equal(batch.count, 3);
    batch.clear();
    assert.throws(() => batch.placeLong({ ...iocMin, minQuantity: 10 }), /minimum quantity .*: 10 of 9/);
    assert.throws(() => batch.placeLong({ ...iocMin, minQuantity: 1.5 }), RangeError);
    assert.throws(() => batch.placeLong({ ...iocMin, timeInForce: FillOrKill }), /^RangeError: fok and min-quantity cannot be combined/);
    assert.throws(() => batch.placeLong({ ...iocMin, orderType: 6 as 5 }), /no order type 6/);
    const trailing = { ...iocMin, orderType: OrderType.TrailingStopLimit, minQuantity: 0 };
    assert.throws(() => batch.placeLong(trailing), /a trailing stop, and no other order, has an offset from 1, not 0/);
    assert.throws(() => batch.placeLong({ ...iocMin, orderType: OrderType.Stop }), /stop and min-quantity cannot be combined/);
    assert.throws(() => batch.placeLong({ ...iocMin, stopPrice: 5 }), /has a stop price in ticks and a trigger, not 5 and 0/);
    assert.throws(() => batch.placeLong({ ...iocMin, orderType: OrderType.Stop, minQuantity: 0 }), /a stop price in ticks/);
    assert.throws(() => batch.amendStop(1, 1, 0, 5, 5, 0), /stop price is an integer from 1/);
    assert.throws(() => batch.placeLong({ ...iocMin, timeInForce: 9 as 1 }), /time in force 9/);
    assert.throws(() => batch.placeLong({ ...iocMin, instructions: 2 ** 16 }), /no instructions 65536/);
  });

  it('are malformed as a whole when commands and extensions do not match', () => {
    for (const [flags, minimums] of [
      [[1], []],
      [[0], [4]],
      [[1, 1], [4]],
      [
        [1, 0],
        [4, 4],
      ],
      [[], [4]],
      [[3, 2], []],
    ]) {
      assert.equal(codeName(reader.open(build(flags, minimums))), 'MALFORMED_FRAME', `${flags} / ${minimums}`);
      assert.equal(reader.count, 0);
    }
  });

  it('hold 4096 records: commands and extensions', () => {
    const half = Array.from({ length: MAX_FRAME_COMMANDS / 2 }, () => 1);
    assert.equal(reader.open(build(half, half)), Code.OK);
    assert.equal(reader.open(build([...half, 0], half)), Code.FRAME_TOO_LARGE);
    const batch = new CommandBatch(MAX_FRAME_COMMANDS);
    while (batch.fitsLong) batch.placeLong(iocMin);
    assert.ok(batch.full);
    assert.equal(reader.open(batch.bytes()), Code.OK);
    assert.equal(reader.count, MAX_FRAME_COMMANDS / 2);
  });

  it('are ignored in version 1, as before: both byte 3 and a third field', () => {
    assert.equal(reader.open(build([1, 255], [], 1)), Code.OK);
    assert.equal(reader.flagMask, 0);
    assert.equal(reader.open(build([0], [4, 4], 1)), Code.OK);
    assert.deepEqual([reader.count, reader.flagMask], [1, 0]);
  });

  // Positions in the frame of a batch with a long order: see the map in long-frame.ts. Two commands, one extension.
  const hostile: [string, (view: DataView) => void][] = [
    ['extensions outside of the table', (v) => v.setUint16(16, 16, true)],
    ['extensions on the soffset', (v) => v.setUint16(16, 2, true)],
    ['extensions not aligned', (v) => v.setUint16(16, 7, true)],
    ['a vector beyond the end', (v) => v.setUint32(28, 4000, true)],
    ['a vector at 2^32-1', (v) => v.setUint32(28, 0xffff_ffff, true)],
    ['a vector on its own offset', (v) => v.setUint32(28, 0, true)],
    ['a vector not aligned to 8', (v) => v.setUint32(28, 172 - 28 + 4, true)],
    ['a vector that is longer than the frame', (v) => v.setUint32(172, 2, true)],
    ['a vector of 2^32-1 elements', (v) => v.setUint32(172, 0xffff_ffff, true)],
    ['a vector of 2^26 elements: 2^32 bytes', (v) => v.setUint32(172, 2 ** 26, true)],
    ['an empty vector', (v) => v.setUint32(172, 0, true)],
    ['no vector', (v) => v.setUint16(16, 0, true)],
  ];
  for (const [what, change] of hostile) {
    it(`with ${what} are malformed`, () => {
      const batch = new CommandBatch(4);
      batch.placeLong(iocMin);
      batch.cancel(1, 2);
      const bytes = batch.bytes().slice();
      assert.equal(reader.open(bytes), Code.OK);
      change(new DataView(bytes.buffer));
      assert.equal(codeName(reader.open(bytes)), 'MALFORMED_FRAME');
      assert.deepEqual([reader.count, reader.flagMask], [0, 0]);
    });
  }

  it('never make the reader read outside the frame, whatever their bytes are', () => {
    const batch = new CommandBatch(6);
    for (let i = 0; i < 2; i++) batch.placeLong(iocMin);
    batch.cancel(1, 2);
    const valid = batch.bytes().slice();
    // The frame is its whole ArrayBuffer: a read outside of it would throw.
    const check = (bytes: Uint8Array): void => {
      if (reader.open(bytes) !== Code.OK) return;
      let extensions = 0;
      for (let i = 0; i < reader.count; i++) {
        reader.copy(i, words, i & 63);
        const flags = (words[(i & 63) * 16] >>> 24) & reader.flagMask;
        if ((flags & Extended) !== 0) reader.copyExtension(extensions++, words, 0);
      }
    };
    for (let bit = 0; bit < valid.length * 8; bit++) {
      const flipped = valid.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      check(flipped);
    }
    for (let length = 0; length < valid.length; length++) assert.notEqual(reader.open(valid.slice(0, length)), Code.OK);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(47), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = valid.slice();
        for (const [at, value] of changes) bytes[at] = value;
        check(bytes);
      }),
      { numRuns: 5000 },
    );
  });

  it('do not change frames of version 1, byte for byte', () => {
    const batch = new CommandBatch(4);
    batch.place(3, 1, PostOnly, 12_345, 2 ** 53 - 1, 9, 77);
    batch.cancel(4, 0, 2 ** 40 + 1);
    // Written by main at 537747a.
    assert.equal(
      Buffer.from(batch.bytes()).toString('hex'),
      '100000004f424c3108000a000800040008000000080000000100000002000000' +
        '0101040003000000000000004d000000000000000000000000000000000000000900000000000000000000000000000039300000000000' +
        '00ffffffffffff1f00' +
        '02000000040000000000000000000000000000000000000000000000000000000000000000000000010000000001000000000000000000' +
        '000000000000000000',
    );
    assert.equal(
      new ReportFrameWriter(1).finish(new RefusalList()).toString('hex'),
      '140000004f424c310a000e000c000400080000000c0000000c0000001000000001000000000000000000000000000000',
    );
    assert.equal(
      Buffer.from(marketRequest(1, 2, 3, 4)).toString('hex'),
      '140000000e00100004000600070008000c00000010000000010001020300000004000000',
    );
  });
});

describe('the intake', () => {
  it('puts an extension and its command into two slots, each with its seq; the answer has the seq of the command', () => {
    const bench = new Bench(8);
    const batch = new CommandBatch(8);
    batch.place(1, Side.Sell, PostOnly, 7, 8, 1);
    batch.placeLong(marketFok);
    batch.placeLong(iocMin);
    batch.cancel(1, 1);
    assert.equal(bench.take(batch.bytes()), Code.OK);
    assert.deepEqual(bench.read(), [
      '1: 1 1 4 0, account 42',
      '2: 4 1 0 0, min 0, 0',
      '3: 1 1 2 1, account 42',
      '4: 4 0 0 0, min 4, 0',
      '5: 1 0 1 1, account 42',
      '6: 2 0 0 0, account 42',
    ]);
    assert.deepEqual([...bench.intake.seqs.subarray(0, bench.intake.taken)], [1, 3, 5, 6]);
    assert.equal(bench.counters.commands, 4);
    assert.equal(bench.rejects.count, 0);
    // Around the end of the ring, in slots that are not neighbours.
    for (let round = 0; round < 9; round++) {
      batch.clear();
      batch.placeLong(iocMin);
      if (round % 2 === 0) batch.cancel(1, 1);
      assert.equal(bench.take(batch.bytes()), Code.OK);
      assert.deepEqual(
        bench.read().map((line) => line.slice(line.indexOf(':'))),
        [': 4 0 0 0, min 4, 0', ': 1 0 1 1, account 42', ': 2 0 0 0, account 42'].slice(0, round % 2 === 0 ? 3 : 2),
      );
      assert.equal(bench.free(), 8);
    }
  });

  it('takes both slots or none: with one slot left, the order and the rest of its frame are BUSY', () => {
    for (const room of [0, 1, 2]) {
      const bench = new Bench(4);
      const batch = new CommandBatch(8);
      for (let used = 0; used < 4 - room; used++) batch.cancel(1, 1);
      assert.equal(bench.take(batch.bytes()), Code.OK);
      batch.clear();
      batch.placeLong(iocMin);
      batch.cancel(1, 2);
      assert.equal(bench.take(batch.bytes()), Code.OK);
      assert.deepEqual(bench.codes(), room === 2 ? ['1 BUSY'] : ['0 BUSY', '1 BUSY'], `room ${room}`);
      assert.equal(bench.free(), room === 2 ? 0 : room);
      assert.equal(bench.read().length, room === 2 ? 4 : 4 - room);
      // The seqs have no gap.
      batch.clear();
      batch.cancel(1, 3);
      bench.take(batch.bytes());
      assert.deepEqual(bench.read(), [`${room === 2 ? 5 : 5 - room}: 2 0 0 0, account 42`]);
    }
  });

  it('continues with the next extension after a rejected order, and drops an extension that a short form expresses', () => {
    const bench = new Bench(16);
    // Minimums: 4 is good, 10 is above the quantity, 0 is none: then the order is a plain IOC.
    assert.equal(bench.take(build([1, 1, 0, 1, 1, 2], [4, 10, 0, 5])), Code.OK);
    assert.deepEqual(bench.read(), [
      '1: 4 0 0 0, min 4, 0',
      '2: 1 0 1 1, account 42',
      '3: 1 0 1 0, account 42',
      '4: 1 0 1 0, account 42',
      '5: 4 0 0 0, min 5, 0',
      '6: 1 0 1 1, account 42',
    ]);
    assert.deepEqual(bench.codes(), ['1 BAD_RANGE', '5 UNSUPPORTED_TERM']);
    assert.deepEqual([...bench.intake.seqs.subarray(0, bench.intake.taken)], [2, 3, 4, 6]);
  });

  it('never leaves an extension without its command, or an order outside the table, whatever the frame is', () => {
    const bench = new Bench(16);
    const batch = new CommandBatch(8);
    batch.placeLong(iocMin);
    batch.place(1, Side.Buy, GoodTillCancel, 7, 8, 1);
    batch.placeLong(marketFok);
    batch.cancel(1, 2);
    const valid = batch.bytes().slice();
    const seen = { frames: 0, long: 0, rejected: 0 };
    const take = (bytes: Uint8Array): void => {
      if (bench.take(bytes) !== Code.OK) return;
      seen.frames++;
      seen.rejected += bench.rejects.count;
      const slots = bench.read();
      assert.equal(slots.length >= bench.intake.taken, true);
      let announced = false;
      for (const line of slots) {
        const [kind, , timeInForce, flags] = line
          .slice(line.indexOf(':') + 2)
          .split(/[ ,]/)
          .map(Number);
        if (announced) {
          // An amend has the offset of a trailing stop in the field of the minimum quantity.
          assert.ok(kind === CommandKind.New || kind === CommandKind.Amend, line);
          assert.equal(flags, Extended, line);
          assert.ok(timeInForce <= TimeInForce.AtTheClose, line);
          seen.long++;
        } else if (kind !== CommandKind.Extension) assert.equal(flags, 0, line);
        announced = kind === CommandKind.Extension;
        if (announced) assert.match(line, / 4 [0-5] [0-5] 0, min \d+, 0$/);
      }
      assert.equal(announced, false);
      assert.equal(bench.free(), 16);
    };
    for (let bit = 0; bit < valid.length * 8; bit++) {
      const flipped = valid.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      take(flipped);
    }
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = valid.slice();
        for (const [at, value] of changes) bytes[at] = value;
        take(bytes);
      }),
      { numRuns: 5000 },
    );
    assert.ok(seen.frames > 4000 && seen.long > 4000 && seen.rejected > 500, JSON.stringify(seen));
  });

  it('ignores byte 3 of version 1, and accepts no extension in the vector of commands', () => {
    const bench = new Bench(16);
    assert.equal(bench.take(build([1, 255], [], 1)), Code.OK);
    assert.deepEqual(bench.read(), ['1: 1 0 1 0, account 42', '2: 1 0 1 0, account 42']);
    for (const version of [1, 2]) {
      const bytes = build([0], [], version);
      const at = indexOfCommand(bytes);
      bytes[at] = CommandKind.Extension;
      assert.equal(bench.take(bytes), Code.OK);
      assert.deepEqual(bench.codes(), ['0 UNKNOWN_KIND']);
      assert.deepEqual(bench.read(), []);
    }
  });
});

function indexOfCommand(bytes: Uint8Array): number {
  const reader = new CommandFrameReader();
  assert.equal(reader.open(bytes), Code.OK);
  return reader.position(0);
}
