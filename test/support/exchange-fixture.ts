import { codeName } from '../../engine/codes.ts';
import { type Limits, RULES, resolveLimits } from '../../engine/limits.ts';
import type { CommandFields } from '../../engine/machine/command.ts';
import { encodeCommand } from '../../engine/machine/command.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { SymbolParam } from '../../engine/params.ts';
import { allocateRing, RingConsumer } from '../../engine/rings/ring.ts';
import { SpillingProducer } from '../../engine/rings/spilling-producer.ts';
import { CommandFlag, type ExtensionFields, encodeExtension } from '../../engine/wire/command-extension.ts';
import {
  CommandKind,
  Instruction,
  LinkKind,
  OrderType,
  Phase,
  QuoteAction,
  Report,
  ReportKind,
  Side,
  TimeInForce,
  Trigger,
} from '../../engine/wire/layout.ts';
import { linkWord } from '../../engine/wire/list-link.ts';
import { MarketEventKind, MarketEventView } from '../../engine/wire/market-event.ts';
import { ReportFlag, SELF_TRADE_NAMES, type SelfTradeName, SUB_PHASE_NAMES } from '../../engine/wire/names.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import { controlOf } from './control-words.ts';
import { pegged, takePeg } from './peg-words.ts';
import { newTrail, TRAIL_WORDS, trailOf } from './trail-words.ts';

export const SMALL_LIMITS: Limits = resolveLimits({
  orders: 4096,
  pages: 1024,
  accounts: 64,
  assets: 8,
  symbols: 8,
  rememberedOrders: 4096,
  rememberedKeys: 1024,
  // Tests of shares set their own.
  ordersPerAccount: 2 ** 16,
  commandRing: 1024,
  reportRing: 4096,
  marketRing: 4096,
});

export const USD = 1;
export const BTC = 2;
export const SYMBOL = 1;

/** The records of a command: its extension, if it has one, and the command, as views of one slot that is used again. */
export function* records(fields: LongCommandFields, firstSeq: number, timeUs: number): Generator<[Uint8Array, Int32Array]> {
  const bytes = new Uint8Array(64);
  const words = new Int32Array(bytes.buffer);
  const { extension } = fields;
  let seq = firstSeq;
  if (extension !== undefined) {
    encodeExtension(bytes, words, 0, { ...extension, seq: seq++, timeUs });
    yield [bytes, words];
  }
  const flags = extension === undefined ? fields.parameter : CommandFlag.Extended;
  const parameter = fields.session === undefined ? flags : (flags ?? 0) | (fields.session << 1);
  encodeCommand(bytes, words, 0, { ...fields, ...(parameter && { parameter }), seq, timeUs });
  yield [bytes, words];
}

/** A command, and the content of the record in front of it. */
export interface LongCommandFields extends CommandFields {
  readonly extension?: ExtensionFields;
  /** How much later than a millisecond after the command before it is stamped, µs. */
  readonly waitUs?: number;
  /** Number of the session that sends it. */
  readonly session?: number;
  /** The orders of a list; the other fields are those of the last one. */
  readonly legs?: readonly LongCommandFields[];
}

export interface ReportFields {
  kind: number;
  flags: number;
  code: number;
  symbol: number;
  account: number;
  tag: number;
  side: number;
  timeInForce: number;
  reportNo: number;
  seq: number;
  timeUs: number;
  orderId: number;
  clientOrderId: number;
  price: number;
  quantity: number;
  leaves: number;
  filled: number;
  fee: number;
  tradeId: number;
  contraOrderId: number;
  retryUs: number;
  stopPrice: number;
  trigger: number;
}

export interface EventFields {
  kind: number;
  side: number;
  flags: number;
  symbol: number;
  seq: number;
  orderId: number;
  price: number;
  quantity: number;
  otherId: number;
  extra: number;
}

export function decodeReport(words: Int32Array, slot: number): ReportFields {
  const view = new ReportView().wrap(words, (slot * Report.bytes) / 4);
  return {
    kind: view.kind,
    side: view.side,
    timeInForce: view.timeInForce,
    flags: view.flags,
    code: view.code,
    symbol: view.symbol,
    account: view.account,
    tag: view.tag,
    reportNo: view.reportNo,
    seq: view.seq,
    timeUs: view.timeUs,
    orderId: view.orderId,
    clientOrderId: view.clientOrderId,
    price: view.price,
    quantity: view.quantity,
    leaves: view.leaves,
    filled: view.filled,
    fee: view.fee,
    tradeId: view.tradeId,
    contraOrderId: view.contraOrderId,
    retryUs: view.retryUs,
    stopPrice: view.stopPrice,
    trigger: view.trigger,
  };
}

/** An exchange with its real rings, driven one command at a time, its outputs as objects. */
export class Harness {
  readonly exchange: Exchange;
  readonly reports: RingConsumer;
  readonly market: RingConsumer;
  readonly #outputs: { reports: SpillingProducer; market: SpillingProducer };
  #seq = 0;
  /** Time of the last command. */
  #timeUs = 0;

  /** @param rules in force from the first command on */
  constructor(limits: Limits = SMALL_LIMITS, rules = RULES) {
    const reports = allocateRing({ slotBytes: 128, capacity: limits.reportRing, consumers: 1 });
    const market = allocateRing({ slotBytes: 64, capacity: limits.marketRing, consumers: 1 });
    this.#outputs = { reports: new SpillingProducer(reports), market: new SpillingProducer(market) };
    this.reports = new RingConsumer(reports);
    this.market = new RingConsumer(market);
    this.exchange = new Exchange(limits, this.#outputs);
    this.exchange.setRules(rules);
  }

  /** Applies a command and returns the reports and market events that it caused. */
  do(fields: LongCommandFields): { reports: ReportFields[]; events: EventFields[] } {
    this.#timeUs = fields.timeUs ?? this.#timeUs + 1000 + (fields.waitUs ?? 0);
    for (const each of fields.legs ?? [fields]) this.#apply(each);
    this.exchange.endBatch();
    const { reports, market } = this.#outputs;
    const found: ReportFields[] = [];
    const events: EventFields[] = [];
    reports.publish();
    market.publish();
    do {
      for (let slot = this.reports.next(); slot !== -1; slot = this.reports.next()) found.push(decodeReport(this.reports.slots.i32, slot));
      this.reports.release();
    } while (!reports.drain() || this.reports.available() > 0);
    do {
      for (let slot = this.market.next(); slot !== -1; slot = this.market.next()) events.push(this.#event(slot));
      this.market.release();
    } while (!market.drain() || this.market.available() > 0);
    return { reports: found, events };
  }

  #apply(fields: LongCommandFields): void {
    for (const [bytes, words] of records(fields, this.#seq + 1, this.#timeUs)) {
      this.#seq++;
      this.onRecord?.(bytes, words);
      this.exchange.apply(bytes, words, 0);
    }
  }

  /** Called before each record is applied. */
  onRecord: ((bytes: Uint8Array, words: Int32Array) => void) | undefined;

  /** The command's answer; it must be accepted. */
  must(fields: CommandFields): void {
    const { reports } = this.do(fields);
    if (reports[0]?.kind !== ReportKind.Accepted) throw new Error(`setup rejected: ${codeName(reports[0]?.code ?? -1)}`);
  }

  /** USD with 2 decimals, BTC with 3, BTC-USD with tick 0.01 and lot 0.001 (needs USD with 5 decimals: so USD has 5), continuous; accounts 1..n funded. */
  setUp(accounts = 3, params: Partial<Record<keyof typeof SymbolParam, number>> = {}, funds: { usd?: number; btc?: number } = {}): this {
    this.must({ kind: CommandKind.DefineAsset, symbol: USD, tag: 5, name: 'USD' });
    this.must({ kind: CommandKind.DefineAsset, symbol: BTC, tag: 3, name: 'BTC' });
    this.must({
      kind: CommandKind.DefineSymbol,
      symbol: SYMBOL,
      account: BTC,
      tag: USD,
      side: 2,
      timeInForce: 3,
      clientOrderId: 1,
      orderId: 1,
      name: 'BTC-USD',
    });
    for (const [name, value] of Object.entries(params)) this.setParam(name as keyof typeof SymbolParam, value);
    for (let account = 1; account <= accounts; account++) {
      this.must({ kind: CommandKind.DefineAccount, account, name: `a${account}` });
      if (funds.usd !== 0) this.must({ kind: CommandKind.Deposit, account, symbol: USD, quantity: funds.usd ?? 1_000_000_000 });
      if (funds.btc !== 0) this.must({ kind: CommandKind.Deposit, account, symbol: BTC, quantity: funds.btc ?? 1_000_000 });
    }
    this.phase(Phase.Continuous);
    return this;
  }

  setParam(name: keyof typeof SymbolParam, value: number): void {
    this.must({
      kind: CommandKind.SetSymbol,
      symbol: SYMBOL,
      parameter: SymbolParam[name],
      quantity: Math.abs(value),
      side: value < 0 ? 1 : 0,
    });
  }

  phase(phase: number): void {
    this.must({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: phase });
  }

  balance(account: number, asset: number): { available: number; reserved: number } {
    const { accounts } = this.exchange;
    const at = accounts.balanceAt(account, asset);
    return { available: accounts.balances[at], reserved: accounts.balances[at + 1] };
  }

  #event(slot: number): EventFields {
    const { kind, side, flags, symbol, seq, orderId, price, quantity, otherId, extra } = event.wrap(this.market.slots, slot);
    return { kind, side, flags, symbol, seq, orderId, price, quantity, otherId, extra };
  }
}

const event = new MarketEventView();
const KIND_NAMES = new Map(Object.entries(ReportKind).map(([name, value]) => [value as number, name]));
const EVENT_NAMES = new Map(Object.entries(MarketEventKind).map(([name, value]) => [value as number, name]));
const TIF: Record<string, number> = {
  gtc: TimeInForce.GoodTillCancel,
  ioc: TimeInForce.ImmediateOrCancel,
  fok: TimeInForce.FillOrKill,
  mkt: TimeInForce.Market,
  post: TimeInForce.PostOnly,
  day: TimeInForce.Day,
  'at-open': TimeInForce.AtTheOpen,
  'at-close': TimeInForce.AtTheClose,
};

const LIST_KINDS: Record<string, LinkKind> = {
  oco: LinkKind.OneCancelsOther,
  ouo: LinkKind.OneUpdatesOther,
  oto: LinkKind.OneTriggersOther,
  bracket: LinkKind.Bracket,
};

/** The orders as a list. */
export function listOf(kind: LinkKind, orders: readonly LongCommandFields[]): LongCommandFields {
  const legs = orders.map((o, i) => {
    const market = o.timeInForce === TimeInForce.Market && { orderType: OrderType.Market };
    return { ...o, extension: { ...market, ...o.extension, link: linkWord(kind, i + 1, orders.length) } };
  });
  return { ...legs[legs.length - 1], legs };
}

/**
 * One line of the table language:
 *
 *   `+1500000 LINE`: stamped that many microseconds later than a millisecond after the line before it
 *   `1 new 7 buy 10 @ 500 ioc`   account 1, client order id 7
 *   `1 cancel 7` · `1 amend 7 5 @ 500` · `phase auction` · `phase pre-open` · `uncross`
 *   `1 cancel 7 of 2`: names symbol 2; without it, none
 *   `1 mass-cancel` · `1 mass-cancel buy` · `1 mass-cancel of 1`: all, a side, a symbol
 *   `1 cancel-after 90`: in 90 ms
 *   `1 new 7 buy 10 @ 500 gtd 90`   until 90 ms; `day`, `day post`, `gtd 90 post` · `tick` · `tick 0.5` with the random number in the middle of its range
 *   `1 new 7 buy 10 stop 520`, `... stop 520 @ 530`: a stop, a stop-limit; then `ref` = by the reference price, `now` = may trigger now, a time in force
 *   `1 new 7 sell 10 trail 5`, `... trail 20000ppm from 510 limit 3`: a trailing stop with activation price and distance of its limit; `1 amend 7 5 trail 6 limit 3`
 *   `1 amend 7 5 stop 520`, `1 amend 7 5 @ 530 stop 520` · `reference 505` · `outside 505`: the price of an outside source
 *   `param StaticBandPpm 50000`
 *   `1 new 7 buy 100 @ 500 show 10 day`: an iceberg; `1 amend 7 50 @ 500 show 5` · `1 new 7 buy 100 @ 500 hidden`
 *   `1 new 7 buy 10 @ 500 peg primary 2`, `... peg market 1`, `... peg midpoint -1`: follows at an offset; below 0: towards the other side
 *   `at 90: 1 cancel 7`   at 90 ms; `at 90.001:` a microsecond later
 *   `1 new 7 buy 10 @ 500 ioc cancel-newest`   with self-trade prevention
 *   `1 quote 10 @ 499 / 5 @ 501`, `... post`, `1 quote 10 @ 499 / 0`   bid / ask
 *   `1 protect 1000000 fills 2 lots 30 net 10`, `1 protect 0`, `1 reset protection`   window in µs
 *   `oco: 1 new 7 buy 10 @ 490 & 1 new 8 buy 10 stop 520`: a list, see {@link listOf}; `ouo:`, `oto:`, `bracket:` with three
 *   and the operator's lines of {@link controlOf}
 */
export function parseCommand(line: string): LongCommandFields {
  const timed = /^at (\d+(?:\.\d{1,3})?): (.*)$/.exec(line.trim());
  if (timed) return { ...parseCommand(timed[2]), timeUs: Math.round(Number(timed[1]) * 1000) };
  const list = /^(oco|ouo|oto|bracket): (.*)$/.exec(line.trim());
  if (list) return listOf(LIST_KINDS[list[1]], list[2].split(' & ').map(parseCommand));
  const words = line.trim().split(/\s+/);
  const peg = takePeg(words);
  if (peg) return pegged(parseCommand(words.join(' ')), peg);
  if (words[0] === 'tick') return { kind: CommandKind.Tick, quantity: Number(words[1] ?? 0) * 2 ** 32 };
  if (words[0].startsWith('+')) return { ...parseCommand(words.slice(1).join(' ')), waitUs: Number(words[0]) };
  const control = controlOf(words);
  if (control !== undefined) return control;
  if (words[0] === 'phase') {
    const subPhase = (SUB_PHASE_NAMES as readonly string[]).indexOf(words[1]);
    if (subPhase !== -1) return { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Auction, side: subPhase };
    const name = words[1][0].toUpperCase() + words[1].slice(1);
    return { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase[name as keyof typeof Phase] };
  }
  if (words[0] === 'reference')
    return { kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.ReferencePrice, quantity: Number(words[1]) };
  if (words[0] === 'outside') return { kind: CommandKind.SetReference, symbol: SYMBOL, quantity: Number(words[1]) };
  if (words[0] === 'param') {
    const parameter = SymbolParam[words[1] as keyof typeof SymbolParam];
    return { kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter, quantity: Number(words[2]) };
  }
  if (words[0] === 'uncross') return { kind: CommandKind.Uncross, symbol: SYMBOL };
  const account = Number(words[0]);
  const clientOrderId = Number(words[2]);
  const named = words[words.length - 2] === 'of' ? Number(words[words.length - 1]) : 0;
  if (words[1] === 'mass-cancel')
    return { kind: CommandKind.MassCancel, account, symbol: named, quantity: ['buy', 'sell'].indexOf(words[2]) + 1 };
  if (words[1] === 'cancel-after') return { kind: CommandKind.CancelAfter, account, quantity: Number(words[2]) * 1000 };
  if (words[1] === 'cancel') return { kind: CommandKind.Cancel, account, clientOrderId, symbol: named };
  if (words[1] === 'reset') return { kind: CommandKind.Quote, account, side: QuoteAction.Reset };
  if (words[1] === 'protect') {
    const limit = (word: string): number => (words.includes(word) ? Number(words[words.indexOf(word) + 1]) : 0);
    const limits = { clientOrderId: limit('fills'), orderId: limit('lots'), price: limit('net') };
    return { kind: CommandKind.Quote, account, side: QuoteAction.Protection, quantity: Number(words[2]), ...limits };
  }
  if (words[1] === 'quote') return { account, ...quoteOf(words.slice(2)) };
  const valueAfter = (word: string): number => Number(words[words.indexOf(word) + 1]);
  const price = words.includes('@') ? valueAfter('@') : 0;
  const stopPrice = words.includes('stop') ? valueAfter('stop') : 0;
  const trail = trailOf(words);
  if (words[1] === 'amend') {
    const amend = { kind: CommandKind.Amend, account, clientOrderId, symbol: named, quantity: Number(words[3]), price };
    if (trail?.extension.stopPrice || trail?.extension.minQuantity) return { ...amend, ...trail };
    if (trail) return { ...amend, price: trail.price };
    if (words.includes('show')) return { ...amend, extension: { displayedQuantity: valueAfter('show') } };
    return stopPrice === 0 ? amend : { ...amend, extension: { stopPrice } };
  }
  const values = ['@', 'stop', 'show', ...TRAIL_WORDS];
  const all = words
    .slice(5)
    .filter((word, i, rest) => ![...values, 'hidden', 'ref', 'now', 'reports'].includes(word) && !values.includes(rest[i - 1]));
  const selfTradeMode = SELF_TRADE_NAMES.indexOf(all.at(-1) as SelfTradeName);
  const lifetime = lifetimeOf(selfTradeMode === -1 ? all : all.slice(0, -1));
  const prevention = {
    ...lifetime.extension,
    selfTradeMode,
    ...(lifetime.timeInForce === TimeInForce.Market && { orderType: OrderType.Market }),
  };
  const forAuction = (lifetime.timeInForce ?? 0) >= TimeInForce.AtTheOpen;
  const auction = { ...lifetime.extension, orderType: price === 0 ? OrderType.Market : OrderType.Limit };
  const plain = selfTradeMode > 0 ? prevention : forAuction ? auction : lifetime.extension;
  const shown = words.includes('show') ? { ...plain, displayedQuantity: valueAfter('show') } : plain;
  const extension = words.includes('hidden') ? { ...shown, instructions: (shown?.instructions ?? 0) | Instruction.Hidden } : shown;
  return {
    ...lifetime,
    ...(extension !== undefined && { extension }),
    ...(stopPrice !== 0 && { extension: stopOf(words, stopPrice, price, extension) }),
    ...(trail && { extension: newTrail(trail, words, extension) }),
    kind: CommandKind.New,
    account,
    clientOrderId,
    symbol: SYMBOL,
    side: words[3] === 'buy' ? Side.Buy : Side.Sell,
    quantity: Number(words[4]),
    price: trail?.price ?? price,
  };
}

/** `10 @ 499 / 5 @ 501 post` */
function quoteOf(words: string[]): LongCommandFields {
  const slash = words.indexOf('/');
  const [bid, ask] = [words.slice(0, slash), words.slice(slash + 1)].map(([quantity, , price]) => ({
    quantity: Number(quantity),
    price: Number(quantity) === 0 ? 0 : Number(price),
  }));
  const timeInForce = words.at(-1) === 'post' ? TimeInForce.PostOnly : TimeInForce.GoodTillCancel;
  return { kind: CommandKind.Quote, symbol: SYMBOL, timeInForce, ...bid, clientOrderId: ask.price, orderId: ask.quantity };
}

function stopOf(words: string[], stopPrice: number, price: number, extension: ExtensionFields = {}): ExtensionFields {
  const orderType = price === 0 ? OrderType.Stop : OrderType.StopLimit;
  const instructions = (extension.instructions ?? 0) | (words.includes('now') ? Instruction.TriggerNow : 0);
  return { ...extension, orderType, stopPrice, instructions, trigger: Number(words.includes('ref')) };
}

function lifetimeOf(terms: readonly string[]): Pick<LongCommandFields, 'timeInForce' | 'extension'> {
  const last = terms.length > 1 ? terms.at(-1) : '';
  const instructions = last === 'post' ? Instruction.PostOnly : last === 'reprice' ? Instruction.PostOnly | Instruction.Reprice : 0;
  if (terms[0] === 'gtd') return { timeInForce: TimeInForce.GoodTillDate, extension: { expiryUs: Number(terms[1]) * 1000, instructions } };
  const timeInForce = TIF[terms[0]] ?? TimeInForce.GoodTillCancel;
  return { timeInForce, ...(instructions !== 0 && { extension: { instructions } }) };
}

/** A report in words: `1 Fill 7 10@500 leaves 0 fee 3 taker`. */
export function describe(report: ReportFields): string {
  const head = `${report.account} ${KIND_NAMES.get(report.kind)}`;
  const flags = [
    report.flags & ReportFlag.Duplicate ? ' again' : '',
    report.flags & ReportFlag.KeptPriority ? ' kept' : '',
    report.flags & ReportFlag.Auction ? ' auction' : '',
    report.flags & ReportFlag.SelfTrade ? ' self-trade' : '',
  ].join('');
  const isQuote = report.clientOrderId === 0 && report.kind !== ReportKind.CancelRejected;
  const id = isQuote ? (report.side === Side.Buy ? 'bid' : 'ask') : report.clientOrderId;
  if (report.kind === ReportKind.Fill) {
    const role = report.flags & ReportFlag.Auction ? '' : report.flags & ReportFlag.Maker ? ' maker' : ' taker';
    const fee = report.fee === 0 ? '' : ` fee ${report.fee}`;
    return `${head} ${id} ${report.quantity}@${report.price} leaves ${report.leaves}${fee}${role}${flags}`;
  }
  const code =
    (report.stopPrice === 0 ? '' : ` stop ${report.stopPrice}${report.trigger === Trigger.ReferencePrice ? ' ref' : ''}`) +
    (report.code === 0 ? '' : ` ${codeName(report.code)}`);
  if (report.kind === ReportKind.MassCancelled) return `${head} ${report.quantity} later ${report.leaves}${code}`;
  if (report.kind === ReportKind.CancelAfterSet) return `${head} ${report.quantity / 1000}`;
  const retry = report.retryUs === 0 ? '' : ` retry +${report.retryUs - report.timeUs}`;
  if (report.account === 0) return `${head}${code}${report.quantity ? ` ${report.quantity}@${report.price}` : ''}`;
  return `${head} ${id} ${report.quantity}@${report.price} leaves ${report.leaves}${code}${flags}${retry}`;
}

export function describeEvent(event: EventFields): string {
  return `${EVENT_NAMES.get(event.kind)} ${event.side === Side.Buy ? 'buy' : 'sell'} ${event.quantity}@${event.price}`;
}

/** Runs a ledger: lines of the table language, each followed by the indented reports that it must cause. Returns the ledger as it came out. */
export function runLedger(harness: Harness, ledger: string): string {
  const out: string[] = [];
  for (const line of ledger.split('\n')) {
    if (line.trim() === '' || line.trim().startsWith('>')) continue;
    out.push(line.trim());
    for (const report of harness.do(parseCommand(line)).reports) out.push(`> ${describe(report)}`);
  }
  return out.join('\n');
}

/** A ledger with normalised white space, to compare with the result of `runLedger`. */
export function tidyLedger(ledger: string): string {
  return ledger
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}
