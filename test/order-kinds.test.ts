import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { checkLongCommand } from '../engine/wire/check-command.ts';
import { CommandFlag, encodeExtension, longOrderKind, minQuantityOf } from '../engine/wire/command-extension.ts';
import { CommandBatch, CommandFrameReader } from '../engine/wire/frames.ts';
import {
  Command,
  CommandExtension,
  CommandKind,
  Instruction,
  OrderType,
  Phase,
  SelfTradeMode,
  TimeInForce,
} from '../engine/wire/layout.ts';
import {
  illegalPair,
  KIND_AUCTION,
  KIND_FILL_OR_KILL,
  KIND_MIN_QUANTITY,
  KIND_NEEDS_PRICE,
  KIND_PHASES,
  KIND_POST_ONLY,
  KIND_RESTS,
  NO_KIND,
  ORDER_KINDS,
  OrderKind,
  orderKindOf,
} from '../engine/wire/order-kinds.ts';
import { orderTerms } from '../gateway/client/order-terms.ts';

const { Limit, Market } = OrderType;
const { GoodTillCancel, ImmediateOrCancel, FillOrKill, Day, GoodTillDate } = TimeInForce;
const MIN = 3;
const END_US = 2 ** 52 + 1;

interface Terms {
  selfTradeMode?: number;
  orderType: number;
  timeInForce: number;
  instructions: number;
  minQuantity: number;
}

/** All values of this release that an extension can have, and the next value of each. */
function* combinations(): Generator<Terms> {
  for (let orderType = 0; orderType <= 6; orderType++)
    for (let timeInForce = 0; timeInForce <= 7; timeInForce++)
      for (const instructions of [0, 1, 2]) for (const minQuantity of [0, MIN]) yield { orderType, timeInForce, instructions, minQuantity };
}

/** The rules, independent of the table: the kind, or the code. */
function expected({ orderType, timeInForce, instructions, minQuantity }: Terms): OrderKind | keyof typeof Code {
  if (timeInForce > GoodTillDate || orderType > OrderType.TrailingStopLimit) return 'BAD_ENUM';
  if (orderType > Market || instructions > 1) return 'UNSUPPORTED_TERM';
  if (timeInForce === TimeInForce.Market && orderType === Limit) return 'ILLEGAL_COMBINATION';
  const postOnly = instructions === 1 || timeInForce === TimeInForce.PostOnly;
  const rests = [GoodTillCancel, TimeInForce.PostOnly, Day, GoodTillDate].includes(timeInForce as 0);
  if (postOnly && (!rests || orderType === Market)) return 'ILLEGAL_COMBINATION';
  if (orderType === Market && rests) return 'ILLEGAL_COMBINATION';
  if (minQuantity !== 0 && (rests || timeInForce === FillOrKill)) return 'ILLEGAL_COMBINATION';
  if (postOnly) return OrderKind.PostOnly;
  if (minQuantity !== 0) return orderType === Market ? OrderKind.MarketMinimum : OrderKind.ImmediateOrCancelMinimum;
  if (orderType === Limit) return (rests ? GoodTillCancel : timeInForce) as OrderKind;
  return timeInForce === FillOrKill ? OrderKind.MarketFillOrKill : OrderKind.Market;
}

const words = new Int32Array(32);
const u8 = new Uint8Array(words.buffer);

/** A long New in slot 1, its extension in slot 0, checked for account 42. */
function check(terms: Terms, price: number, change?: (view: DataView) => void): string {
  const batch = new CommandBatch(1);
  batch.place(1, 0, 0, price, 5, 7);
  const reader = new CommandFrameReader();
  assert.equal(reader.open(batch.bytes()), Code.OK);
  reader.copy(0, words, 1);
  encodeExtension(u8, words, 0, { ...terms, expiryUs: terms.timeInForce === GoodTillDate ? END_US : 0 });
  u8[64 + Command.timeInForce] = terms.timeInForce;
  u8[64 + Command.parameter] = CommandFlag.Extended;
  change?.(new DataView(words.buffer));
  return codeName(checkLongCommand(u8, words, 0, 1, 42));
}

test('every combination has the kind or the code of the rules; equal orders are stored alike', () => {
  const seen = new Set<number>();
  for (const terms of combinations()) {
    const what = JSON.stringify(terms);
    const kind = expected(terms);
    if (typeof kind === 'string') {
      for (const price of [0, 100]) assert.equal(check(terms, price), kind, what);
      continue;
    }
    seen.add(kind);
    const row = ORDER_KINDS[kind];
    assert.equal(check(terms, row.needsPrice ? 0 : 100), 'BAD_RANGE', what);
    assert.equal(check(terms, row.needsPrice ? 100 : 0), 'OK', what);
    const timeInForce = u8[64 + Command.timeInForce];
    assert.equal(words[16 + Command.account / 4], 42);
    if (terms.timeInForce >= Day) {
      const long = terms.timeInForce === GoodTillDate || kind === OrderKind.PostOnly;
      assert.deepEqual([u8[64 + Command.parameter], timeInForce], [long ? CommandFlag.Extended : 0, terms.timeInForce], what);
      if (long) assert.equal(longOrderKind(u8, words, 0, 1), kind, 'the log gives the kind again');
      continue;
    }
    if (kind <= OrderKind.PostOnly) {
      assert.deepEqual([u8[64 + Command.parameter], timeInForce], [0, kind], `${what} is stored short`);
      continue;
    }
    assert.deepEqual([u8[64 + Command.parameter], timeInForce], [CommandFlag.Extended, row.timeInForce], what);
    assert.equal(u8[CommandExtension.orderType], row.orderType);
    assert.equal(minQuantityOf(words, 0), terms.minQuantity);
    assert.equal(longOrderKind(u8, words, 0, 1), kind, 'the log gives the kind again');
  }
  assert.deepEqual([...seen].sort(), ORDER_KINDS.map(({ kind }) => kind).sort());
});

test('the columns agree with the rows', () => {
  for (const row of ORDER_KINDS) {
    const { kind } = row;
    assert.equal(KIND_NEEDS_PRICE[kind] === 1, row.orderType === Limit, row.name);
    assert.equal(KIND_RESTS[kind] === 1, row.timeInForce === GoodTillCancel, row.name);
    assert.equal(KIND_AUCTION[kind] === 1, kind === OrderKind.GoodTillCancel, row.name);
    assert.equal(KIND_PHASES[kind], (1 << Phase.Continuous) | (KIND_AUCTION[kind] << Phase.Auction), row.name);
    assert.equal(KIND_FILL_OR_KILL[kind] === 1, row.timeInForce === FillOrKill, row.name);
    assert.equal(KIND_POST_ONLY[kind] === 1, kind === OrderKind.PostOnly, row.name);
    assert.equal(KIND_MIN_QUANTITY[kind] === 1, row.minQuantity, row.name);
    assert.equal(orderKindOf(row.orderType, row.timeInForce, row.instructions, row.minQuantity), kind, row.name);
  }
});

test('a term that this release does not support is rejected, and so is a number out of range', () => {
  const legal = { orderType: Market, timeInForce: ImmediateOrCancel, instructions: 0, minQuantity: MIN };
  assert.equal(check(legal, 0), 'OK');
  const fields: [keyof typeof CommandExtension, string][] = [
    ['selfTradeMode', 'BAD_ENUM'],
    ['trigger', 'UNSUPPORTED_TERM'],
    ['reserved', 'UNSUPPORTED_TERM'],
    ['link', 'UNSUPPORTED_TERM'],
    ['stopPrice', 'UNSUPPORTED_TERM'],
    ['displayedQuantity', 'UNSUPPORTED_TERM'],
    ['expiryUs', 'BAD_RANGE'],
    ['kind', 'UNKNOWN_KIND'],
  ];
  for (const [field, code] of fields)
    assert.equal(
      check(legal, 0, (view) => view.setUint8(CommandExtension[field], 9)),
      code,
      field,
    );
  // The highest byte of a wide field counts too.
  for (const field of ['stopPrice', 'displayedQuantity'] as const)
    assert.equal(
      check(legal, 0, (view) => view.setUint8(CommandExtension[field] + 7, 128)),
      'UNSUPPORTED_TERM',
      field,
    );
  const untilTime = { orderType: Limit, timeInForce: GoodTillDate, instructions: 0, minQuantity: 0 };
  for (const value of [0n, 2n ** 53n, 2n ** 64n - 1n])
    assert.equal(
      check(untilTime, 100, (view) => view.setBigUint64(CommandExtension.expiryUs, value, true)),
      'BAD_RANGE',
      `expiry ${value}`,
    );
  for (const value of [2n ** 53n, 2n ** 64n - 1n, 6n])
    assert.equal(
      check(legal, 0, (view) => view.setBigUint64(CommandExtension.minQuantity, value, true)),
      'BAD_RANGE',
      `minimum ${value}`,
    );
  for (const flags of [0, 2, 3, 129])
    assert.equal(
      check(legal, 0, (view) => view.setUint8(64 + Command.parameter, flags)),
      'UNSUPPORTED_TERM',
    );
  const kinds: [number, string][] = [
    [CommandKind.Cancel, 'UNSUPPORTED_TERM'],
    [CommandKind.Amend, 'UNSUPPORTED_TERM'],
    [CommandKind.Extension, 'UNKNOWN_KIND'],
    [CommandKind.Deposit, 'ADMIN_ONLY'],
  ];
  for (const [kind, code] of kinds)
    assert.equal(
      check(legal, 0, (view) => view.setUint8(64 + Command.kind, kind)),
      code,
    );
  assert.equal(
    check(legal, 0, (view) => view.setUint32(64 + Command.account, 41, true)),
    'FOREIGN_ACCOUNT',
  );
  assert.equal(
    check(legal, 0, (view) => view.setUint8(64 + Command.side, 2)),
    'BAD_ENUM',
  );
  assert.equal(
    check(legal, 0, (view) => view.setUint8(64 + Command.clientOrderId, 0)),
    'BAD_CLIENT_ORDER_ID',
  );
});

test('self-trade prevention goes with every kind, and is stored long', () => {
  for (const { kind, orderType, timeInForce, instructions, minQuantity, needsPrice } of ORDER_KINDS) {
    const terms = { orderType, timeInForce, instructions, minQuantity: minQuantity ? MIN : 0, selfTradeMode: SelfTradeMode.Decrement };
    assert.equal(check(terms, needsPrice ? 100 : 0), 'OK');
    assert.equal(u8[64 + Command.parameter], CommandFlag.Extended);
    assert.equal(u8[CommandExtension.selfTradeMode], SelfTradeMode.Decrement);
    assert.equal(longOrderKind(u8, words, 0, 1), kind, 'the log gives the kind again');
  }
});

test('the two terms that cannot be combined are named', () => {
  const pairs: [string, number, number, number, boolean][] = [
    ['market and gtc', Market, GoodTillCancel, 0, false],
    ['limit and market', Limit, TimeInForce.Market, 0, true],
    ['market and post-only', Market, TimeInForce.PostOnly, 0, false],
    ['market and post-only', Market, TimeInForce.Market, Instruction.PostOnly, false],
    ['ioc and post-only', Limit, ImmediateOrCancel, Instruction.PostOnly, false],
    ['gtc and min-quantity', Limit, GoodTillCancel, 0, true],
    ['post-only and min-quantity', Limit, TimeInForce.PostOnly, 0, true],
    ['post-only and min-quantity', Limit, GoodTillCancel, Instruction.PostOnly, true],
    ['fok and min-quantity', Market, FillOrKill, 0, true],
    ['market and day', Market, Day, 0, false],
    ['market and gtd', Market, GoodTillDate, 0, false],
    ['day and min-quantity', Limit, Day, 0, true],
  ];
  for (const [pair, ...terms] of pairs) assert.equal(illegalPair(...terms), pair);
  // Every illegal combination is a pair.
  for (const { orderType, timeInForce, instructions, minQuantity } of combinations()) {
    if (orderType > Market || timeInForce > GoodTillDate || instructions > 1) continue;
    if (orderKindOf(orderType, timeInForce, instructions, minQuantity !== 0) !== NO_KIND) continue;
    assert.match(illegalPair(orderType, timeInForce, instructions, minQuantity !== 0), /^[a-z-]+ and [a-z-]+$/);
  }
});

test('the client uses the same table', () => {
  const base = { symbol: 1, side: 'buy', quantity: 1 } as const;
  const legal: [Parameters<typeof orderTerms>[0], [number, number, number, boolean]][] = [
    [{ ...base }, [Market, TimeInForce.Market, 0, false]],
    [{ ...base, timeInForce: 'market' }, [Market, TimeInForce.Market, 0, false]],
    [{ ...base, type: 'market', timeInForce: 'ioc' }, [Market, ImmediateOrCancel, 0, false]],
    [{ ...base, type: 'market', timeInForce: 'fok' }, [Market, FillOrKill, 0, true]],
    [{ ...base, minQuantity: 1 }, [Market, TimeInForce.Market, 0, true]],
    [{ ...base, price: 1 }, [Limit, GoodTillCancel, 0, false]],
    [{ ...base, price: 1, timeInForce: 'post-only' }, [Limit, TimeInForce.PostOnly, 0, false]],
    [{ ...base, price: 1, postOnly: true }, [Limit, GoodTillCancel, Instruction.PostOnly, false]],
    [{ ...base, price: 1, timeInForce: 'ioc', minQuantity: 1 }, [Limit, ImmediateOrCancel, 0, true]],
    [{ ...base, price: 1, timeInForce: 'day' }, [Limit, Day, 0, false]],
    [{ ...base, price: 1, timeInForce: 'day', postOnly: true }, [Limit, Day, Instruction.PostOnly, true]],
  ];
  for (const [order, [orderType, timeInForce, instructions, long]] of legal)
    assert.deepEqual(orderTerms(order), { orderType, timeInForce, instructions, expiryUs: 0, selfTradeMode: 0, long });
  const expires = new Date('2026-12-24T12:00:00Z');
  const until = {
    orderType: Limit,
    timeInForce: GoodTillDate,
    instructions: 0,
    expiryUs: expires.getTime() * 1000,
    selfTradeMode: 0,
    long: true,
  };
  assert.deepEqual(orderTerms({ ...base, price: 1, expires }), until);
  assert.deepEqual(orderTerms({ ...base, price: 1, timeInForce: 'gtd', expires: until.expiryUs }), until);
  assert.deepEqual(orderTerms({ ...base, price: 1, selfTrade: 'cancel-oldest' }).selfTradeMode, SelfTradeMode.CancelOldest);
  assert.equal(orderTerms({ ...base, price: 1, selfTrade: 'none' }).long, true);
  assert.equal(orderTerms({ ...base, price: 1, selfTrade: 'default' }).long, false);
  const wrong: [Parameters<typeof orderTerms>[0], string, RegExp][] = [
    [{ ...base, timeInForce: 'fok' }, 'BAD_RANGE', /^a limit fok order needs a price$/],
    [{ ...base, timeInForce: 'market', price: 1 }, 'BAD_RANGE', /^a market ioc order has no price$/],
    [{ ...base, postOnly: true }, 'BAD_RANGE', /needs a price/],
    [{ ...base, type: 'market', timeInForce: 'gtc' }, 'ILLEGAL_COMBINATION', /^market and gtc cannot be combined/],
    [{ ...base, price: 1, minQuantity: 1 }, 'ILLEGAL_COMBINATION', /^gtc and min-quantity /],
    [{ ...base, price: 1, timeInForce: 'ioc', postOnly: true }, 'ILLEGAL_COMBINATION', /^ioc and post-only /],
    [{ ...base, type: 'stop' as 'limit', price: 1 }, 'BAD_ENUM', /order type stop/],
    [{ ...base, timeInForce: 'fortnight' as 'gtc', price: 1 }, 'BAD_ENUM', /time in force fortnight/],
    [{ ...base, price: 1, selfTrade: 'oldest' as 'none' }, 'BAD_ENUM', /no self-trade mode oldest/],
    [{ ...base, timeInForce: 'gtd', price: 1 }, 'BAD_RANGE', /gtd needs expires/],
    [{ ...base, timeInForce: 'day', price: 1, expires }, 'BAD_RANGE', /for time in force gtd, not day/],
    [{ ...base, price: 1, expires: 1.5 }, 'BAD_RANGE', /microseconds since 1970, not 1.5/],
    [{ ...base, timeInForce: 'day', type: 'market' }, 'ILLEGAL_COMBINATION', /^market and day /],
  ];
  for (const [order, code, message] of wrong) assert.throws(() => orderTerms(order), { code, message }, JSON.stringify(order));
});

test('docs/ORDER-ENTRY.md contains the table', () => {
  const text = readFileSync(new URL('../docs/ORDER-ENTRY.md', import.meta.url), 'utf8');
  const types = ['Limit', 'Market'];
  const times = ['GoodTillCancel', 'ImmediateOrCancel', 'FillOrKill'];
  const shorts = ['GoodTillCancel', 'ImmediateOrCancel', 'FillOrKill', 'Market', 'PostOnly'];
  for (const row of ORDER_KINDS) {
    const terms = [row.instructions === 0 ? '' : 'PostOnly', row.minQuantity ? 'minimum quantity' : ''].filter((term) => term !== '');
    const cells = [
      types[row.orderType],
      times[row.timeInForce],
      terms.join(', ') || '–',
      shorts[row.kind] === undefined ? '– (long)' : `\`${shorts[row.kind]}\``,
      row.needsPrice ? 'yes' : 'no',
      row.rests ? 'rests' : 'is cancelled',
      row.phases.includes(Phase.Auction) ? 'continuous, auction' : 'continuous',
    ];
    assert.ok(text.includes(`| ${cells.join(' | ')} |\n`), `| ${cells.join(' | ')} |`);
  }
});
