import assert from 'node:assert/strict';
import fc from 'fast-check';
import { auditBooks } from '../../engine/book/book-audit.ts';
import { Code } from '../../engine/codes.ts';
import { type Limits, RULES } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { OLD_TRIGGERS_PER_COMMAND } from '../../engine/machine/state.ts';
import { ROW_FIELDS, StateLoader, saveState, stateHash, tradingHash } from '../../engine/machine/state-rows.ts';
import { AccountParam, SYMBOL_PARAM_DEFAULTS, SymbolParam } from '../../engine/params.ts';
import { ControlBit } from '../../engine/rules/control-bits.ts';
import { CommandKind, Instruction, LinkKind, OrderType, Phase, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { isTrailing } from '../../engine/wire/order-kinds.ts';
import { PEG_INSTRUCTIONS } from '../../engine/wire/peg-terms.ts';
import { BTC, Harness, type LongCommandFields, type ReportFields, SMALL_LIMITS, SYMBOL, USD } from './exchange-fixture.ts';
import { NaiveExchange } from './naive-exchange.ts';
import { NaiveMirror } from './naive-mirror.ts';
import type { NaiveReport } from './naive-order.ts';
import { hashRows } from './naive-rows.ts';
import { checkMoney, heldByStops } from './twin-money.ts';
import { ACCOUNTS } from './twin-orders.ts';
import { GROUP_GOES_ON } from './twin-rare.ts';
import { TwinStates } from './twin-states.ts';

/** Orders cross pages of 64 ticks at 64 and 128, so that both sides have two pages or three. */
const LIMITS: Limits = {
  ...SMALL_LIMITS,
  orders: 12,
  ordersPerAccount: 6,
  pages: 3,
  pagesPerAccount: 2,
  rememberedOrders: 16,
  rememberedOrdersPerAccount: 7,
};

export const setup = fc.record({
  taker: fc.constantFrom(0, 2500, 10_007),
  maker: fc.constantFrom(-2500, 0, 1000, 20_000),
  band: fc.constantFrom(0, 80_000),
  /** Volatility bands. */
  fixed: fc.constantFrom(0, 0, 0, 60_000),
  moving: fc.constantFrom(0, 0, 0, 20_000, 40_000),
  wide: fc.constantFrom(0, 30_000, 60_000),
  random: fc.constantFrom(0, 0, 4_000_000),
  profile: fc.constantFrom(0, 1),
  auctionPrice: fc.constantFrom(0, 0, 1, 2),
  /** An outside source sets the reference price. */
  outside: fc.constantFrom(0, 0, 0, 1),
  usd: fc.constantFrom(3000, 1_000_000),
  /** Level pages in all, and of one account. */
  pages: fc.constantFrom(3, 5),
  pagesPerAccount: fc.constantFrom(1, 2),
  btc: fc.constantFrom(20, 100_000),
  /** Orders that mass cancels cancel with one command at most. */
  perCommand: fc.constantFrom(1, 1, 2, 100),
  /** Orders that they sort with one command at most. */
  sortedPerCommand: fc.constantFrom(1, 2, 100, 100),
  /** Parts of icebergs that one command uses up. */
  partsPerCommand: fc.constantFrom(1, 3, 1024, 1024),
  /** Orders, and parts of them, that an order with prevention meets. */
  mostMet: fc.constantFrom(1, 3, 6, 1024, 1024, 1024),
  /** Stops that one command triggers. */
  triggersPerCommand: fc.constantFrom(1, 2, 32, 32),
  /** Trailing stops that one command looks at for reports. */
  reportsPerCommand: fc.constantFrom(1, 2, 256),
  /** Steps of trailing stops with one command. */
  followsPerCommand: fc.constantFrom(1, 1, 2, 512),
  /** Orders of an auction that enter or end with one command. */
  waitingPerCommand: fc.constantFrom(1, 1, 2, 256),
  /** Pegged orders that one command reprices, and looks at; and those of an account. */
  pegs: fc.record({ perCommand: fc.constantFrom(1, 2, 256), lookedAt: fc.constantFrom(1, 4, 1024), perAccount: fc.constantFrom(2, 1024) }),
  /** Lists whose children become live with one command at most. */
  childrenPerCommand: fc.constantFrom(1, 1, 2, 32),
});

type Shares = 'perCommand' | 'sortedPerCommand' | 'partsPerCommand' | 'reportsPerCommand' | 'followsPerCommand' | 'waitingPerCommand';

export interface Setup {
  taker: number;
  maker: number;
  band: number;
  fixed: number;
  moving: number;
  wide: number;
  random: number;
  profile: number;
  auctionPrice: number;
  outside: number;
  usd: number;
  pages: number;
  pagesPerAccount: number;
  btc: number;
  perCommand: number;
  sortedPerCommand: number;
  partsPerCommand: number;
  mostMet: number;
  triggersPerCommand: number;
  reportsPerCommand: number;
  pegs: { perCommand: number; lookedAt: number; perAccount: number };
  childrenPerCommand: number;
  followsPerCommand: number;
  waitingPerCommand: number;
}

export function pair(
  {
    taker,
    maker,
    band,
    fixed,
    moving,
    wide,
    random,
    profile,
    auctionPrice,
    outside,
    usd,
    btc,
    pages,
    pagesPerAccount,
    pegs,
    mostMet,
    childrenPerCommand,
    ...shares
  }: Setup,
  rules = RULES,
): { real: Harness; naive: NaiveExchange } {
  const limits = { ...LIMITS, pages, pagesPerAccount };
  const makerFee = Math.max(maker, 0 - taker);
  const volatility = {
    StaticBandPpm: fixed,
    DynamicBandPpm: moving,
    VolatilityUs: 5_000_000,
    WideBandPpm: wide,
    VolatilityRandomUs: random,
    VolatilityProfile: profile,
    ...(rules < 7 ? {} : { AuctionPrice: auctionPrice, ReferenceSource: outside }),
  };
  const bands = rules < 5 ? {} : volatility;
  const real = new Harness(limits, rules).setUp(
    ACCOUNTS,
    { TakerFeePpm: taker, MakerFeePpm: makerFee, PriceBandPpm: band, ReferencePrice: 100, ...bands },
    { usd, btc },
  );
  const params = [...SYMBOL_PARAM_DEFAULTS];
  params[SymbolParam.TakerFeePpm] = taker;
  params[SymbolParam.MakerFeePpm] = makerFee;
  params[SymbolParam.PriceBandPpm] = band;
  params[SymbolParam.ReferencePrice] = 100;
  if (rules >= 5) for (const [name, value] of Object.entries(volatility)) params[SymbolParam[name as keyof typeof volatility]] = value;
  const naive = new NaiveExchange(params, limits, rules);
  share(real.exchange, shares);
  share(naive, shares);
  naive.stops.trails.perCommand = shares.followsPerCommand;
  naive.trailReports.perCommand = shares.reportsPerCommand;
  naive.auctions.perCommand = shares.waitingPerCommand;
  real.exchange.triggersPerCommand = shares.triggersPerCommand;
  naive.stops.perCommand = rules < 6 ? OLD_TRIGGERS_PER_COMMAND : shares.triggersPerCommand;
  real.exchange.selfTrade.mostMet = mostMet;
  naive.controls.selfTrade.mostMet = mostMet;
  lowerPegs(real.exchange, pegs);
  Object.assign(naive.pegs, pegs);
  for (const { children } of [real.exchange, naive]) children.perCommand = childrenPerCommand;
  naive.phase = Phase.Continuous;
  naive.controls.nowUs = real.exchange.timeUs;
  naive.reportNo.set(0, real.exchange.accounts.reportNo[0]);
  for (let account = 1; account <= ACCOUNTS; account++) {
    naive.accounts.push(account);
    naive.pay(account, USD, usd);
    naive.pay(account, BTC, btc);
  }
  return { real, naive };
}

/** Sets what one command does at most. */
function share(
  exchange: Pick<Exchange, 'partsPerCommand'> & { massCancels: object },
  { perCommand, sortedPerCommand, partsPerCommand, reportsPerCommand, followsPerCommand, waitingPerCommand }: Pick<Setup, Shares>,
): void {
  Object.assign(exchange.massCancels, { perCommand, sortedPerCommand });
  exchange.partsPerCommand = partsPerCommand;
  if (!(exchange instanceof Exchange)) return;
  exchange.stops.reports.perCommand = reportsPerCommand;
  exchange.triggers.followsPerCommand = followsPerCommand;
  exchange.auctionOrders.perCommand = waitingPerCommand;
}

function lowerPegs({ pegOrders }: Exchange, { perCommand, lookedAt, perAccount }: Setup['pegs']): void {
  Object.assign(pegOrders, { perCommand, lookedAt });
  pegOrders.checks.perAccount = perAccount;
}

export function comparable(r: ReportFields): NaiveReport {
  const {
    kind,
    flags,
    code,
    account,
    clientOrderId,
    orderId,
    price,
    quantity,
    leaves,
    filled,
    fee,
    tradeId,
    contraOrderId,
    retryUs,
    stopPrice,
    trigger,
    reportNo,
  } = r;
  const contra = account === 0 ? 0 : contraOrderId;
  return {
    kind,
    flags,
    code,
    account,
    clientOrderId,
    orderId,
    price,
    quantity,
    leaves,
    filled,
    fee,
    tradeId,
    contraOrderId: contra,
    retryUs,
    stopPrice,
    trigger,
    reportNo,
  };
}

/** The same rows as NaiveExchange.hash, read from the real one's canonical state; without the hashes of terms. */
function realHash({ exchange }: Harness): string {
  const { accounts, symbols, slab, clientOrderIds: ids, books } = exchange;
  const rows: number[][] = [];
  for (let account = 1; account <= ACCOUNTS; account++) {
    rows.push([6, account, accounts.reportNo[account], accounts.forgottenId[account], accounts.controls[account] & ControlBit.Suspended]);
    for (const asset of [USD, BTC]) {
      const at = accounts.balanceAt(account, asset);
      rows.push([7, account, asset, accounts.balances[at], accounts.balances[at + 1]]);
    }
  }
  rows.push([3, symbols.phase[SYMBOL], symbols.lastPrice[SYMBOL], symbols.tradeId[SYMBOL], accounts.fees[USD], exchange.lastOrderId]);
  saveState(exchange, (chunk, count) => {
    for (let i = 0; i < count; i++) {
      const row = [...chunk.subarray(i * ROW_FIELDS, (i + 1) * ROW_FIELDS)];
      if (row[0] === 8 || row[0] === 9) {
        assert.equal(row[11] !== 0, exchange.rules >= 3 && row[2] !== 0, 'the hash of the terms');
        row[11] = 0;
      } else if (row[0] === 23) row[10] = 0;
      else if (row[0] === 39 || row[0] === 47 || row[0] === 49) row[10] = 0;
      else if (row[0] < 15 || row[0] === 24) continue;
      rows.push(row);
    }
  });
  const ORDERS = [8, 23, 39, 47, 49];
  assert.equal(slab.count, rows.filter(([kind]) => ORDERS.includes(kind)).length);
  assert.equal([...ids.remembered()].length, rows.filter((row) => row[0] === 9).length);
  assert.ok(books[SYMBOL]);
  return hashRows(rows);
}

export function copyOf(exchange: Exchange, factor = 1): Exchange {
  const { limits } = exchange;
  const copy = new Exchange({ ...limits, accounts: limits.accounts * factor, symbols: limits.symbols * factor });
  const loader = new StateLoader(copy);
  saveState(exchange, (rows, count) => loader.load(rows, count));
  const { massCancels, partsPerCommand, triggers, auctionOrders, stops } = exchange;
  const { followsPerCommand } = triggers;
  const { perCommand: reportsPerCommand } = stops.reports;
  share(copy, { ...massCancels, partsPerCommand, reportsPerCommand, followsPerCommand, waitingPerCommand: auctionOrders.perCommand });
  copy.triggersPerCommand = exchange.triggersPerCommand;
  copy.selfTrade.mostMet = exchange.selfTrade.mostMet;
  const { perCommand: pegs, lookedAt, checks } = exchange.pegOrders;
  lowerPegs(copy, { perCommand: pegs, lookedAt, perAccount: checks.perAccount });
  copy.children.perCommand = exchange.children.perCommand;
  return copy;
}

const OF_RULES_5: ReadonlySet<number | undefined> = new Set([
  CommandKind.MassCancel,
  CommandKind.SetFeeTier,
  CommandKind.Quote,
  CommandKind.CancelAfter,
  CommandKind.CancelOnDisconnect,
  CommandKind.CancelGroup,
]);

/** Whether lists have such an order from rules 6 on only. */
function isOfRules6({ extension }: LongCommandFields): boolean {
  const isHidden = ((extension?.instructions ?? 0) & Instruction.Hidden) !== 0;
  return isHidden || extension?.displayedQuantity !== undefined || isTrailing(extension?.orderType ?? 0);
}

/** Whether a list has a parent or child of a kind that there is from rules 7 on only. */
function isOfRules7(legs: readonly LongCommandFields[]): boolean {
  if (((legs[0].extension?.link ?? 0) & 0xff) < LinkKind.OneTriggersOther) return false;
  if (((legs[0].extension?.instructions ?? 0) & Instruction.Reprice) !== 0) return true;
  return isOfRules6(legs[0]) || (legs[0].extension?.orderType ?? 0) >= OrderType.Stop || legs.slice(1).some(isOfRules6);
}

/** The rules from which on builds have such a command. */
function rulesOf({ kind, timeInForce = 0, extension, legs, parameter = 0, session = 0 }: LongCommandFields): number {
  if (legs !== undefined && isOfRules7(legs)) return 7;
  if (session !== 0 || legs?.some((leg) => leg.session || isOfRules6(leg))) return 6;
  if (kind === CommandKind.SetReference || (kind === CommandKind.SetSymbol && parameter === SymbolParam.ReferenceSource)) return 7;
  if (kind === CommandKind.SetAccount && parameter > AccountParam.OrderToTrade) return 6;
  if (((extension?.instructions ?? 0) & Instruction.ReportTrail) !== 0) return 6;
  if (kind === CommandKind.CancelSession) return 6;
  const displaysPart =
    extension?.displayedQuantity !== undefined || ((extension?.instructions ?? 0) & (Instruction.Hidden | Instruction.Reprice)) !== 0;
  if (kind === CommandKind.New && displaysPart && extension?.stopPrice !== undefined) return 6;
  if (((extension?.instructions ?? 0) & PEG_INSTRUCTIONS) !== 0) return 6;
  if (((extension?.instructions ?? 0) & Instruction.Reprice) !== 0 && extension?.displayedQuantity !== undefined) return 7;
  if (legs !== undefined && ((legs[0].extension?.link ?? 0) & 0xff) >= LinkKind.OneTriggersOther) return 6;
  if (OF_RULES_5.has(kind) || legs !== undefined || extension?.displayedQuantity !== undefined) return 5;
  if (((extension?.instructions ?? 0) & (Instruction.Reprice | Instruction.Hidden)) !== 0) return 5;
  if (kind === CommandKind.SetSymbol && parameter === SymbolParam.FeeTierTable) return 5;
  if (timeInForce >= TimeInForce.AtTheOpen) return 5;
  if (kind === CommandKind.Tick || extension?.selfTradeMode !== undefined || extension?.stopPrice !== undefined) return 4;
  return kind === CommandKind.New && timeInForce > TimeInForce.PostOnly ? 4 : 1;
}

/** Both exchanges give the same reports and state hash, conserve money and never stay crossed. @param seen receives kind/code/flags of the reports */
export function compare(given: Setup, commands: readonly LongCommandFields[], rules: number, seen: Set<string>): void {
  const { real, naive } = pair(given, rules);
  const market = new NaiveMirror();
  const states = new TwinStates(naive, seen);
  for (const fields of commands) {
    if (rules < rulesOf(fields)) continue;
    const held = heldByStops(naive);
    states.before(fields);
    const { reports, events } = real.do(fields);
    const got = reports.map(comparable);
    market.apply(events);
    const want = naive.do(fields);
    assert.deepEqual(got, want);
    for (const r of got) {
      seen.add(`${r.kind}/${r.code}/${r.flags}${r.code === Code.OK || r.stopPrice === 0 ? '' : '/stop'}`);
      if (r.clientOrderId === 0 && r.account !== 0) seen.add(`quote ${r.kind}/${r.code}/${r.flags}`);
    }
    if (fields.kind === CommandKind.CancelGroup && got.some((r) => r.account === 0 && r.leaves > 0)) seen.add(GROUP_GOES_ON);
    for (const state of [...naive.stops.states(), ...naive.auctions.states()]) seen.add(state);
    states.after(fields, got);
    checkMoney(real, naive, held, got);
    const book = real.exchange.books[SYMBOL];
    assert.ok(book);
    if (naive.phase === Phase.Continuous && book.bestAsk() !== 0) assert.ok(book.bestBid() < book.bestAsk(), 'crossed book');
  }
  for (const state of naive.volatility.reached) seen.add(state);
  assert.equal(realHash(real), naive.hash());
  // Market data has market orders of an auction in order of arrival at the price that they have there.
  const asSets = naive.resting.some((o) => o.market);
  for (const side of [Side.Buy, Side.Sell]) {
    const [got, want] = [market.shown(side), naive.shown(side)];
    for (const orders of asSets ? [got, want] : []) orders.sort(([a], [b]) => a - b);
    assert.deepEqual(got, want, 'what market data shows');
  }
  for (const state of naive.seen) seen.add(state);
  const book = real.exchange.books[SYMBOL];
  const { slab, pages, stops, waiting, pegs, links } = real.exchange;
  const outside = [...waiting.slots(), ...pegs.parked()];
  if (book) auditBooks(slab, pages, [book], () => naive.phase !== Phase.Continuous, stops.books, outside, links.waiting());
}

/** The state is saved and loaded within the commands, and each time continues as the exchange. */
export function continuesFromSnapshots(given: Setup, commands: readonly LongCommandFields[]): void {
  const half = Math.floor(commands.length * 0.7);
  const [first, second] = [commands.slice(0, half), commands.slice(half)];
  const { real } = pair(given);
  for (const fields of first) real.do(fields);
  let copy = copyOf(real.exchange, 2);
  assert.equal(stateHash(copy), stateHash(real.exchange));
  copy.timeUs++;
  assert.notEqual(stateHash(copy), stateHash(real.exchange));
  assert.equal(tradingHash(copy), tradingHash(real.exchange));
  copy.timeUs--;
  real.onRecord = (bytes, words) => {
    copy.apply(bytes, words, 0);
    // Also between the records of a command.
    if (copy.seq % 3 === 0) copy = copyOf(copy);
  };
  for (const fields of second) real.do(fields);
  assert.equal(stateHash(copy), stateHash(real.exchange));
}
