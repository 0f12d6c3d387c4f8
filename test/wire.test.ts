import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Builder, ByteBuffer } from 'flatbuffers';
import { Code, codeName } from '../engine/codes.ts';
import { checkCommand, checkOwnAmend, checkOwnNew, checkOwnTarget } from '../engine/wire/check-command.ts';
import { CommandBatch, CommandFrameReader, MAX_FRAME_COMMANDS } from '../engine/wire/frames.ts';
import { Command as FlatCommand } from '../engine/wire/generated/command.js';
import { CommandFrame } from '../engine/wire/generated/command-frame.js';
import { Refusal as FlatRefusal } from '../engine/wire/generated/refusal.js';
import { Report as FlatReport } from '../engine/wire/generated/report.js';
import { ReportFrame } from '../engine/wire/generated/report-frame.js';
import { Command, CommandKind, Refusal, Report, Side, TimeInForce } from '../engine/wire/layout.ts';
import { REPORT_WORDS, RefusalList, ReportFrameReader, ReportFrameWriter, WHOLE_FRAME } from '../engine/wire/report-frames.ts';

const LIMIT = 2 ** 53 - 1;
const u53 = fc.integer({ min: 0, max: LIMIT });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u8 = fc.integer({ min: 0, max: 255 });

interface Fields {
  kind: number;
  side: number;
  timeInForce: number;
  parameter: number;
  symbol: number;
  account: number;
  tag: number;
  seq: number;
  timeUs: number;
  clientOrderId: number;
  orderId: number;
  price: number;
  quantity: number;
}
const command = fc.record<Fields>({
  kind: u8,
  side: u8,
  timeInForce: u8,
  parameter: u8,
  symbol: u32,
  account: u32,
  tag: u32,
  seq: u53,
  timeUs: u53,
  clientOrderId: u53,
  orderId: u53,
  price: u53,
  quantity: u53,
});
const plain: Fields = {
  kind: CommandKind.New,
  side: 0,
  timeInForce: 0,
  parameter: 0,
  symbol: 1,
  account: 0,
  tag: 0,
  seq: 0,
  timeUs: 0,
  clientOrderId: 7,
  orderId: 0,
  price: 100,
  quantity: 5,
};

/** A frame built by the flatbuffers package, as any client would build it. */
function build(commands: readonly Fields[], { version = 1, identifier = true } = {}): Uint8Array {
  const builder = new Builder(256);
  CommandFrame.startCommandsVector(builder, commands.length);
  for (const c of [...commands].reverse()) {
    FlatCommand.createCommand(
      builder,
      c.kind,
      c.side,
      c.timeInForce,
      c.parameter,
      c.symbol,
      c.account,
      c.tag,
      BigInt(c.seq),
      BigInt(c.timeUs),
      BigInt(c.clientOrderId),
      BigInt(c.orderId),
      BigInt(c.price),
      BigInt(c.quantity),
    );
  }
  const vector = builder.endVector();
  const frame = CommandFrame.createCommandFrame(builder, version, vector, 0);
  if (identifier) CommandFrame.finishCommandFrameBuffer(builder, frame);
  else builder.finish(frame);
  return builder.asUint8Array().slice();
}

/** The bytes somewhere in a larger buffer, as gRPC gives them. */
function shifted(bytes: Uint8Array, by: number): Uint8Array {
  const pool = new Uint8Array(bytes.length + 64).fill(0xee);
  pool.set(bytes, by);
  return pool.subarray(by, by + bytes.length);
}

const slots = new Int32Array(16 * MAX_FRAME_COMMANDS);
const slotBytes = new Uint8Array(slots.buffer);

function fieldsAt(slot: number): Fields {
  const view = new DataView(slots.buffer, slot * Command.bytes, Command.bytes);
  const long = (at: number): number => Number(view.getBigUint64(at, true));
  return {
    kind: view.getUint8(Command.kind),
    side: view.getUint8(Command.side),
    timeInForce: view.getUint8(Command.timeInForce),
    parameter: view.getUint8(Command.parameter),
    symbol: view.getUint32(Command.symbol, true),
    account: view.getUint32(Command.account, true),
    tag: view.getUint32(Command.tag, true),
    seq: long(Command.seq),
    timeUs: long(Command.timeUs),
    clientOrderId: long(Command.clientOrderId),
    orderId: long(Command.orderId),
    price: long(Command.price),
    quantity: long(Command.quantity),
  };
}

describe('CommandFrame', () => {
  const reader = new CommandFrameReader();

  it('reads what the flatbuffers package builds, from any byte offset, with and without file identifier', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 8 }), fc.nat(17), fc.boolean(), (commands, by, identifier) => {
        assert.equal(reader.open(shifted(build(commands, { identifier }), by)), Code.OK);
        assert.equal(reader.count, commands.length);
        for (let i = 0; i < commands.length; i++) {
          reader.copy(i, slots, i);
          assert.deepEqual(fieldsAt(i), { ...commands[i] });
        }
      }),
    );
  });

  it('is readable by the generated accessors', () => {
    const batch = new CommandBatch(4);
    for (let round = 0; round < 2; round++) {
      batch.clear();
      batch.place(3, Side.Sell, TimeInForce.PostOnly, 12_345, LIMIT, 9, 77);
      batch.cancel(4, 0, 2 ** 40 + 1);
      batch.amend(0xffff_ffff, 5, 0, 6, 8, 0xffff_ffff);
      const frame = CommandFrame.getRootAsCommandFrame(new ByteBuffer(batch.bytes()));
      assert.equal(frame.schemaVersion(), 1);
      assert.equal(frame.commandsLength(), 3);
      const [place, cancel, amend] = [0, 1, 2].map((i) => frame.commands(i, new FlatCommand()) as FlatCommand);
      assert.deepEqual([place.kind(), place.side(), place.timeInForce(), place.symbol(), place.tag()], [1, 1, 4, 3, 77]);
      assert.deepEqual(
        [place.price(), place.quantity(), place.clientOrderId(), place.orderId(), place.account()],
        [12_345n, BigInt(LIMIT), 9n, 0n, 0],
      );
      assert.deepEqual([cancel.kind(), cancel.symbol(), cancel.clientOrderId(), cancel.orderId()], [2, 4, 0n, 2n ** 40n + 1n]);
      assert.deepEqual([amend.kind(), amend.symbol(), amend.price(), amend.quantity(), amend.tag()], [3, 0xffff_ffff, 6n, 8n, 0xffff_ffff]);
      assert.equal(reader.open(batch.bytes()), Code.OK);
      assert.equal(reader.count, 3);
    }
  });

  it('contains the stated number of commands', () => {
    const batch = new CommandBatch(1);
    batch.cancel(1, 1);
    assert.ok(batch.full);
    assert.throws(() => batch.cancel(1, 1), /full/);
    assert.throws(() => new CommandBatch(4097), RangeError);
    assert.throws(() => new CommandBatch(2).place(1, 0, 0, 1.5, 1, 1), RangeError);
    assert.throws(() => new CommandBatch(2).place(1, 0, 0, 2 ** 53, 1, 1), RangeError);
    assert.throws(() => new CommandBatch(2).place(1, 0, 0, Number.NaN, 1, 1), RangeError);
    assert.throws(() => new CommandBatch(2).place(-1, 0, 0, 1, 1, 1), RangeError);
  });

  it('rejects another schema version, names it, and reads no further', () => {
    for (const version of [0, 3, 65_535]) {
      const bytes = build([plain], { version });
      assert.equal(reader.open(bytes), Code.WRONG_SCHEMA_VERSION);
      assert.equal(reader.version, version);
      assert.equal(reader.count, 0);
    }
  });

  it('accepts 4096 commands and no more', () => {
    const batch = new CommandBatch(MAX_FRAME_COMMANDS);
    while (!batch.full) batch.cancel(1, batch.count + 1);
    assert.equal(reader.open(batch.bytes()), Code.OK);
    assert.equal(reader.count, MAX_FRAME_COMMANDS);
    assert.equal(reader.open(build(Array.from({ length: MAX_FRAME_COMMANDS + 1 }, () => plain))), Code.FRAME_TOO_LARGE);
    assert.equal(reader.open(new Uint8Array(300_000)), Code.FRAME_TOO_LARGE);
  });

  it('accepts a frame without commands as empty', () => {
    const builder = new Builder();
    CommandFrame.startCommandFrame(builder);
    CommandFrame.addSchemaVersion(builder, 1);
    builder.finish(CommandFrame.endCommandFrame(builder));
    assert.equal(reader.open(builder.asUint8Array()), Code.OK);
    assert.equal(reader.count, 0);
    assert.equal(reader.open(build([])), Code.OK);
  });

  // Positions in the frame of CommandBatch: see the map in frames.ts.
  const hostile: [string, (view: DataView) => void][] = [
    ['root beyond the end', (v) => v.setUint32(0, 1000, true)],
    ['root of 2^32-4', (v) => v.setUint32(0, 0xffff_fffc, true)],
    ['root not aligned', (v) => v.setUint32(0, 17, true)],
    ['root on itself', (v) => v.setUint32(0, 0, true)],
    ['vtable before the frame', (v) => v.setInt32(16, 20, true)],
    ['vtable on the root offset', (v) => v.setInt32(16, 16, true)],
    ['vtable beyond the end', (v) => v.setInt32(16, -1000, true)],
    ['vtable at the largest distance', (v) => v.setInt32(16, -(2 ** 31), true)],
    ['vtable at an odd place', (v) => v.setInt32(16, 7, true)],
    ['vtable on its own table', (v) => v.setInt32(16, 0, true)],
    ['vtable too short', (v) => v.setUint16(8, 2, true)],
    ['vtable of odd length', (v) => v.setUint16(8, 7, true)],
    ['vtable longer than the frame', (v) => v.setUint16(8, 0xfffe, true)],
    ['vtable that reaches into the table', (v) => v.setUint16(8, 12, true)],
    ['table too short', (v) => v.setUint16(10, 2, true)],
    ['table longer than the frame', (v) => v.setUint16(10, 0xffff, true)],
    ['table that reaches into the vector', (v) => v.setUint16(10, 14, true)],
    ['version outside of the table', (v) => v.setUint16(12, 9, true)],
    ['version on the soffset', (v) => v.setUint16(12, 2, true)],
    ['version not aligned', (v) => v.setUint16(12, 7, true)],
    ['commands outside of the table', (v) => v.setUint16(14, 8, true)],
    ['vector beyond the end', (v) => v.setUint32(20, 1000, true)],
    ['vector at 2^32-1', (v) => v.setUint32(20, 0xffff_ffff, true)],
    ['vector on its own offset', (v) => v.setUint32(20, 0, true)],
    ['vector not aligned to 8', (v) => v.setUint32(20, 12, true)],
    ['vector one element too long', (v) => v.setUint32(28, 3, true)],
    ['vector of 2^32-1 elements', (v) => v.setUint32(28, 0xffff_ffff, true)],
    ['vector of 2^26 elements: 2^32 bytes', (v) => v.setUint32(28, 2 ** 26, true)],
  ];
  for (const [what, change] of hostile) {
    it(`rejects a ${what}`, () => {
      const batch = new CommandBatch(2);
      batch.cancel(1, 1);
      batch.cancel(1, 2);
      const bytes = batch.bytes().slice();
      assert.equal(reader.open(bytes), Code.OK);
      change(new DataView(bytes.buffer));
      const code = reader.open(bytes);
      assert.equal(codeName(code), 'MALFORMED_FRAME');
      assert.equal(reader.count, 0);
    });
  }

  /** One command, laid out as no builder of ours does: table at 8 or 10, vector behind it, the vtable last. */
  function unusual({ table = 8, vtableBytes = 8, shift = 0 } = {}): Uint8Array {
    const bytes = new Uint8Array(112 + shift);
    const view = new DataView(bytes.buffer);
    const vtable = 24 + shift + 64;
    view.setUint32(0, table, true);
    view.setInt32(table, table - vtable, true);
    // Version at 14 and commands at 16, wherever the table starts.
    view.setUint16(14, 1, true);
    view.setUint32(16, 20 + shift - 16, true);
    view.setUint32(20 + shift, 1, true);
    view.setUint16(vtable, vtableBytes, true);
    view.setUint16(vtable + 2, 20 - table, true);
    view.setUint16(vtable + 4, 14 - table, true);
    view.setUint16(vtable + 6, 16 - table, true);
    return bytes;
  }

  it('accepts a vtable behind the table, but none that ends outside, and nothing misaligned', () => {
    assert.equal(reader.open(unusual()), Code.OK);
    assert.equal(reader.count, 1);
    assert.equal(reader.open(unusual({ vtableBytes: 24 })), Code.OK);
    for (const wrong of [{ vtableBytes: 26 }, { table: 10 }, { shift: 4 }])
      assert.equal(codeName(reader.open(unusual(wrong))), 'MALFORMED_FRAME');
  });

  it('reads nothing outside of the frame, whatever its bytes', () => {
    // The frame is its whole ArrayBuffer: a read outside of it would throw.
    const check = (bytes: Uint8Array): void => {
      const whole = bytes.slice();
      if (reader.open(whole) !== Code.OK) return;
      for (let i = 0; i < reader.count; i++) reader.copy(i, slots, i);
    };
    const valid = build([plain, plain]);
    for (let bit = 0; bit < valid.length * 8; bit++) {
      const flipped = valid.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      check(flipped);
    }
    for (let length = 0; length < valid.length; length++) {
      const cut = valid.slice(0, length);
      assert.notEqual(reader.open(cut), Code.OK);
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 256 }), check), { numRuns: 2000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(39), u8), { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = valid.slice();
        for (const [at, value] of changes) bytes[at] = value;
        check(bytes);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('checkCommand', () => {
  const check = (fields: Partial<Fields>): { code: string; left: Fields } => {
    const reader = new CommandFrameReader();
    assert.equal(reader.open(build([{ ...plain, ...fields }])), Code.OK);
    reader.copy(0, slots, 3);
    const code = codeName(checkCommand(slotBytes, slots, 3, 42));
    return { code, left: fieldsAt(3) };
  };
  const { New, Cancel, Amend } = CommandKind;

  const table: [string, Partial<Fields>][] = [
    ['OK', {}],
    ['OK', { account: 42, symbol: 0xffff_ffff, tag: 5, price: LIMIT, quantity: LIMIT, clientOrderId: LIMIT }],
    ['OK', { timeInForce: TimeInForce.Market, price: 0 }],
    ['OK', { kind: Cancel, clientOrderId: 0, orderId: 9, price: 0, quantity: 0 }],
    ['OK', { kind: Cancel, clientOrderId: 9, orderId: 0 }],
    ['OK', { kind: Amend, orderId: 9 }],
    ['UNKNOWN_KIND', { kind: 0 }],
    ['UNKNOWN_KIND', { kind: 4 }],
    ['UNKNOWN_KIND', { kind: 15 }],
    ['ADMIN_ONLY', { kind: 27 }],
    ['ADMIN_ONLY', { kind: 31 }],
    ['ADMIN_ONLY', { kind: 32 }],
    ['ADMIN_ONLY', { kind: 35 }],
    ['UNKNOWN_KIND', { kind: 36 }],
    ['UNKNOWN_KIND', { kind: 255 }],
    ...Array.from({ length: 9 }, (_, i): [string, Partial<Fields>] => ['ADMIN_ONLY', { kind: 16 + i }]),
    ['BAD_ENUM', { side: 2 }],
    ['OK', { timeInForce: TimeInForce.Day }],
    ['BAD_RANGE', { timeInForce: TimeInForce.GoodTillDate }],
    ['BAD_ENUM', { timeInForce: 9 }],
    ['BAD_ENUM', { kind: Cancel, side: 255 }],
    ['FOREIGN_ACCOUNT', { account: 41 }],
    ['FOREIGN_ACCOUNT', { account: 0xffff_ffff }],
    ['BAD_CLIENT_ORDER_ID', { clientOrderId: 0 }],
    ['BAD_RANGE', { price: 0 }],
    ['BAD_RANGE', { timeInForce: TimeInForce.Market, price: 1 }],
    ['BAD_RANGE', { quantity: 0 }],
    ['BAD_RANGE', { kind: Cancel, clientOrderId: 0, orderId: 0 }],
    ['BAD_RANGE', { kind: Amend, clientOrderId: 0, orderId: 0 }],
    ['BAD_RANGE', { kind: Amend, price: 0 }],
    ['BAD_RANGE', { kind: Amend, quantity: 0 }],
  ];
  for (const [expected, fields] of table) {
    it(`${expected} for ${JSON.stringify(fields)}`, () => assert.equal(check(fields).code, expected));
  }

  it('finds the same in a command of this process by its numbers', () => {
    const { Market, PostOnly, Day, GoodTillCancel, ImmediateOrCancel, FillOrKill } = TimeInForce;
    for (const price of [0, 1, LIMIT]) {
      for (const quantity of [0, 1, LIMIT]) {
        for (const timeInForce of [Market, PostOnly, Day, GoodTillCancel, ImmediateOrCancel, FillOrKill])
          assert.equal(codeName(checkOwnNew(timeInForce, price, quantity)), check({ timeInForce, price, quantity }).code);
        for (const [clientOrderId, orderId] of [
          [0, 0],
          [0, LIMIT],
          [1, 0],
          [1, 1],
        ]) {
          const ids = { clientOrderId, orderId };
          assert.equal(
            codeName(checkOwnAmend(clientOrderId, orderId, price, quantity)),
            check({ kind: Amend, ...ids, price, quantity }).code,
          );
          assert.equal(codeName(checkOwnTarget(clientOrderId, orderId)), check({ kind: Cancel, ...ids, price, quantity }).code);
        }
      }
    }
  });

  it('rejects every 64-bit field from 2^53 on', () => {
    for (const field of ['clientOrderId', 'orderId', 'price', 'quantity'] as const) {
      for (const kind of [New, Cancel, Amend]) {
        for (const value of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
          check({ kind, orderId: kind === New ? 0 : 9 });
          assert.equal(checkCommand(slotBytes, slots, 3, 42), Code.OK);
          new DataView(slots.buffer).setBigUint64(3 * Command.bytes + Command[field], value, true);
          assert.equal(codeName(checkCommand(slotBytes, slots, 3, 42)), 'BAD_RANGE', `${field} = ${value}`);
        }
      }
    }
  });

  it('clears the fields that the client does not set', () => {
    const { left } = check({ parameter: 200, account: 0 });
    assert.deepEqual(left, { ...plain, account: 42 });
  });
});

describe('ReportFrame', () => {
  const reader = new ReportFrameReader();
  const reportFields = fc.record({ bytes: fc.uint8Array({ minLength: Report.bytes, maxLength: Report.bytes }) });

  function refusals(count: number): RefusalList {
    const list = new RefusalList();
    const frame = new CommandFrameReader();
    assert.equal(frame.open(build(Array.from({ length: count }, (_, i) => ({ ...plain, tag: i, orderId: 2 ** 40 + i })))), Code.OK);
    for (let i = 0; i < count; i++) list.add(Code.BUSY, frame.flat, frame.position(i), i);
    return list;
  }

  it('is readable by the generated accessors and our reader', () => {
    const writer = new ReportFrameWriter(16);
    fc.assert(
      fc.property(fc.array(reportFields, { maxLength: 16 }), fc.nat(40), fc.nat(17), (reports, refused, by) => {
        for (const { bytes } of reports) writer.add(new Int32Array(bytes.slice().buffer), 0);
        const bytes = writer.finish(refusals(refused));
        const frame = ReportFrame.getRootAsReportFrame(new ByteBuffer(bytes));
        assert.equal(frame.schemaVersion(), 1);
        assert.equal(frame.reportsLength(), reports.length);
        assert.equal(frame.refusalsLength(), refused);
        for (let i = 0; i < reports.length; i++) {
          const report = frame.reports(i, new FlatReport()) as FlatReport;
          const view = new DataView(reports[i].bytes.slice().buffer);
          assert.equal(report.kind(), view.getUint8(Report.kind));
          assert.equal(report.reportNo(), view.getBigUint64(Report.reportNo, true));
          assert.equal(report.fee(), view.getBigInt64(Report.fee, true));
          assert.equal(report.contraOrderId(), view.getBigUint64(Report.contraOrderId, true));
        }
        for (let i = 0; i < refused; i++) {
          const refusal = frame.refusals(i, new FlatRefusal()) as FlatRefusal;
          assert.deepEqual(
            [refusal.code(), refusal.kind(), refusal.tag(), refusal.clientOrderId(), refusal.orderId(), refusal.symbol(), refusal.index()],
            [Code.BUSY, 1, i, 7n, BigInt(2 ** 40 + i), 1, i],
          );
        }
        assert.equal(reader.open(shifted(bytes, by)), Code.OK);
        assert.equal(reader.reports, reports.length);
        assert.equal(reader.refusals, refused);
        const words = new Int32Array(REPORT_WORDS);
        for (let i = 0; i < reports.length; i++) {
          reader.flat.copyWords(reader.reportsAt + i * Report.bytes, words, 0, REPORT_WORDS);
          assert.deepEqual(new Uint8Array(words.buffer), reports[i].bytes);
        }
        for (let i = 0; i < refused; i++) assert.equal(reader.flat.u32(reader.refusalsAt + i * Refusal.bytes + Refusal.index), i);
      }),
    );
  });

  it('reads what the flatbuffers package builds', () => {
    const builder = new Builder();
    ReportFrame.startRefusalsVector(builder, 1);
    FlatRefusal.createRefusal(builder, Code.DRAINING, 2, 0, 5, 6n, 7n, 8, 9);
    const vector = builder.endVector();
    ReportFrame.startReportFrame(builder);
    ReportFrame.addSchemaVersion(builder, 1);
    ReportFrame.addRefusals(builder, vector);
    builder.finish(ReportFrame.endReportFrame(builder));
    assert.equal(reader.open(builder.asUint8Array()), Code.OK);
    assert.equal(reader.reports, 0);
    assert.equal(reader.refusals, 1);
    const at = reader.refusalsAt;
    assert.deepEqual(
      [reader.flat.u16(at), reader.flat.u53(at + Refusal.clientOrderId), reader.flat.u32(at + Refusal.index)],
      [Code.DRAINING, 6, 9],
    );
  });

  it('distinguishes a rejected frame from a rejected command', () => {
    const list = new RefusalList();
    list.addFrame(Code.FRAME_TOO_LARGE);
    assert.equal(reader.open(new ReportFrameWriter(1).finish(list)), Code.OK);
    assert.equal(reader.flat.u32(reader.refusalsAt + Refusal.index), WHOLE_FRAME);
  });

  it('rejects frames that are damaged or of another version, and reads nothing outside', () => {
    const writer = new ReportFrameWriter(2);
    writer.add(new Int32Array(REPORT_WORDS), 0);
    const valid = new Uint8Array(writer.finish(refusals(2)));
    for (let length = 0; length < valid.length; length++) assert.notEqual(reader.open(valid.slice(0, length)), Code.OK);
    for (let bit = 0; bit < valid.length * 8; bit++) {
      const flipped = valid.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      if (reader.open(flipped) !== Code.OK) continue;
      for (let i = 0; i < reader.refusals; i++) reader.flat.u32(reader.refusalsAt + i * Refusal.bytes + 28);
    }
    const other = valid.slice();
    new DataView(other.buffer).setUint16(32, 3, true);
    assert.equal(reader.open(other), Code.WRONG_SCHEMA_VERSION);
  });
});
