import assert from 'node:assert/strict';
import { it } from 'node:test';
import { allocateRing, RingSlots } from '../engine/rings/ring.ts';
import {
  FrameKind,
  MarketOp,
  OrderAction,
  Phase,
  Report,
  ReportKind,
  SelfTradeMode,
  Side,
  SubPhase,
  TimeInForce,
} from '../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketEventView, MarketField } from '../engine/wire/market-event.ts';
import {
  FRAME_KIND_NAMES,
  MARKET_OP_NAMES,
  ORDER_ACTION_NAMES,
  PHASE_NAMES,
  REPORT_KIND_NAMES,
  SELF_TRADE_NAMES,
  SIDE_NAMES,
  SUB_PHASE_NAMES,
  TIME_IN_FORCE_NAMES,
} from '../engine/wire/names.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import { writeReport } from './support/report-source.ts';

type Field = Exclude<keyof typeof Report, 'bytes' | 'reserved' | 'reserved2'>;

it('a report view reads each field of the struct, to its last bit, at any position of the report', () => {
  const fields = (Object.keys(Report) as (keyof typeof Report)[]).filter(
    (name) => name !== 'bytes' && !name.startsWith('reserved'),
  ) as Field[];
  const words = new Int32Array(3 * (Report.bytes / 4)).fill(-1);
  const bytes = new Uint8Array(words.buffer);
  const widths = {
    kind: 8,
    side: 8,
    timeInForce: 8,
    flags: 8,
    code: 16,
    trigger: 8,
    symbol: 32,
    account: 32,
    tag: 32,
    stopPrice: 32,
  } as Record<string, number>;
  const expected = Object.fromEntries(fields.map((name, i) => [name, 2 ** (widths[name] ?? 53) - 1 - i])) as Record<Field, number>;
  writeReport(bytes, words, Report.bytes, expected);
  const view = new ReportView();
  const read = (): Record<string, number> => Object.fromEntries(fields.map((name) => [name, view[name]]));
  view.wrap(words, Report.bytes / 4);
  assert.deepEqual(read(), expected);
  writeReport(bytes, words, 0, { ...expected, fee: -7 });
  assert.equal(view.wrap(words, 0).fee, -7);
});

it('a market event view reads each field of a slot', () => {
  const slots = new RingSlots(allocateRing({ slotBytes: MARKET_EVENT_BYTES, capacity: 4, consumers: 1 }));
  slots.u8.set([7, 1, 3], 2 * MARKET_EVENT_BYTES);
  slots.u32[2 * 16 + MarketField.symbol] = 0xffff_fff0;
  for (let field = MarketField.seq; field <= MarketField.time; field++) slots.f64[2 * 8 + field] = 2 ** 52 + field;
  const view = new MarketEventView().wrap(slots, 2);
  assert.deepEqual([view.kind, view.side, view.flags, view.symbol], [7, 1, 3, 0xffff_fff0]);
  const { seq, orderId, price, quantity, otherId, extra, timeUs } = view;
  assert.deepEqual(
    [seq, orderId, price, quantity, otherId, extra, timeUs],
    [1, 2, 3, 4, 5, 6, 7].map((field) => 2 ** 52 + field),
  );
});

it('each value of a wire enum has its text, at its index', () => {
  const kebab = (name: string): string => name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  const named = (values: Readonly<Record<string, number>>): string[] => {
    const names: string[] = [];
    for (const [name, value] of Object.entries(values)) names[value] = kebab(name);
    return names;
  };
  assert.deepEqual(named(Side), [...SIDE_NAMES]);
  assert.deepEqual(named(Phase), [...PHASE_NAMES]);
  assert.deepEqual(named(SubPhase), [...SUB_PHASE_NAMES]);
  assert.deepEqual(named(SelfTradeMode).with(0, 'default'), [...SELF_TRADE_NAMES]);
  assert.deepEqual(named(ReportKind), [...REPORT_KIND_NAMES]);
  assert.deepEqual(named(OrderAction), [...ORDER_ACTION_NAMES]);
  assert.deepEqual(named(FrameKind), [...FRAME_KIND_NAMES]);
  assert.deepEqual(named(MarketOp), [...MARKET_OP_NAMES]);
  const abbreviated = new Map([
    ['good-till-cancel', 'gtc'],
    ['immediate-or-cancel', 'ioc'],
    ['fill-or-kill', 'fok'],
    ['good-till-date', 'gtd'],
  ]);
  assert.deepEqual(
    named(TimeInForce).map((name) => abbreviated.get(name) ?? name),
    [...TIME_IN_FORCE_NAMES],
  );
});
