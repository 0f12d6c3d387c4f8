import { basename } from 'node:path';
import { DecimalError, unitsToDecimal } from '../../../engine/decimal.ts';
import {
  type CancelRow,
  type FlowPhase,
  type NewRow,
  OrderFlowError,
  type OrderRow,
  readOrders,
  readTrades,
} from '../../../feeds/files/order-flow-csv.ts';
import { type SymbolDefinition, SymbolUnits } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags } from './connection.ts';
import { CliError, ExitCode } from './exit.ts';
import type { ExpectedTrade } from './replay-check.ts';
import type { ReplayFile } from './replay-files.ts';

/** Totals of a flow file, read before any of it is sent. */
export interface FlowSummary {
  readonly rows: number;
  /** Thousandths of the quote unit: all buys at their limits. */
  readonly buyMilli: number;
  /** Total quantity of all sells. */
  readonly soldQuantity: number;
  /** The last phase of the file is an auction: it may be cut. */
  readonly endsInAuction: boolean;
}

/** The target of a replay: a symbol with an empty book, and an account that has not traded. */
export interface ReplayVenue {
  readonly symbol: string;
  readonly account: number;
}

interface AssetView {
  readonly id: number;
  readonly name: string;
}

interface SymbolView extends SymbolDefinition {
  readonly base: string;
  readonly quote: string;
}

/** The symbol that a replay uses: one that the exchange has, or the one that will be defined. */
export interface ReplaySymbol {
  readonly units: SymbolUnits;
  readonly known: SymbolView | undefined;
}

const NAME_LENGTH = 16;
/** Recorded days are in yuan and hundredths of it; shares come whole. */
const QUOTE = { name: 'CNY', decimals: 2 };
const BASE = { name: 'SHARE', decimals: 0 };
const TICK = '0.01';
const LOT = '1';
const MAX_PRICE = '100000.00';
/** Fees can take as much again as the buys cost. */
const WITH_FEES = 2;

/** Finds the symbol of each file. Nothing is defined yet. @throws CliError when orders rest in one */
export async function findSymbols(flags: ConnectionFlags, files: readonly ReplayFile[]): Promise<ReplaySymbol[]> {
  const symbols = await askAdmin<SymbolView[]>(flags, '/v1/symbols');
  const taken = [...symbols.map(({ name }) => name), ...files.flatMap(({ symbol }) => symbol ?? [])];
  const found: ReplaySymbol[] = [];
  for (const { path, symbol } of files) {
    const name = symbol ?? freshName(path, taken);
    taken.push(name);
    const known = symbols.find((defined) => defined.name === name);
    if (known !== undefined) await requireEmpty(flags, name);
    found.push({ known, units: new SymbolUnits(known ?? { id: 0, name, tickSize: TICK, lotSize: LOT }) });
  }
  return found;
}

/**
 * Reads the whole file once, so an invalid row is found before anything is sent.
 * @throws OrderFlowError, with the line, also for a price or a quantity that the symbol cannot have, an order id that comes twice, and a
 * cancel of an order that is not above it or is cancelled there; without a row at all
 */
export async function surveyFlow(path: string, { units }: ReplaySymbol): Promise<FlowSummary> {
  let rows = 0;
  let buyMilli = 0;
  let soldQuantity = 0;
  let endsInAuction = false;
  const orders = new OrderIds(path);
  for await (const row of readOrders(path)) {
    rows++;
    if (row.op === 'new' || row.op === 'uncross') checkUnits(path, row, units);
    if (row.op === 'phase') endsInAuction = row.phase === 'auction';
    if (row.op === 'cancel') orders.cancel(row);
    if (row.op !== 'new') continue;
    orders.add(row);
    if (row.side === 'B') buyMilli += row.priceMilli * row.quantity;
    else soldQuantity += row.quantity;
  }
  if (rows === 0) throw new OrderFlowError('FLOW_ROW', path, 0, 'has no rows below its header; there is nothing to replay');
  if (!Number.isSafeInteger(buyMilli * WITH_FEES)) {
    throw new CliError(`${path}: all buys together cost more than the money that the exchange can count; split the file`, ExitCode.Usage);
  }
  return { rows, buyMilli, soldQuantity, endsInAuction };
}

/** Which orders of a file there are, and which of them are cancelled. */
class OrderIds {
  readonly #path: string;
  readonly #orders = new Set<number>();
  readonly #cancelled = new Set<number>();

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws OrderFlowError for an id that was there before */
  add({ line, orderId }: NewRow): void {
    if (this.#orders.has(orderId)) throw new OrderFlowError('FLOW_ROW', this.#path, line, `order_id ${orderId} is that of an order above`);
    this.#orders.add(orderId);
  }

  /** @throws OrderFlowError for an order that is not above, or is cancelled already */
  cancel({ line, orderId }: CancelRow): void {
    if (!this.#orders.has(orderId))
      throw new OrderFlowError('FLOW_ROW', this.#path, line, `cancels order ${orderId}, which is not above it`);
    if (this.#cancelled.has(orderId)) throw new OrderFlowError('FLOW_ROW', this.#path, line, `cancels order ${orderId} a second time`);
    this.#cancelled.add(orderId);
  }
}

/** The expected trades, in the symbol's units. @throws OrderFlowError */
export async function readExpected(path: string, { units }: ReplaySymbol): Promise<ExpectedTrade[]> {
  const trades: ExpectedTrade[] = [];
  for await (const row of readTrades(path)) {
    const { line, phase, buyOrderId, sellOrderId } = row;
    trades.push({ line, phase, buyOrderId, sellOrderId, ...checkUnits(path, row, units) });
  }
  return trades;
}

/** Ticks of a price in thousandths. @throws DecimalError */
export function milliTicks(symbol: SymbolUnits, priceMilli: number): number {
  return symbol.ticks(unitsToDecimal(priceMilli, 1, 3));
}

/** A quantity and a price as the file writes them, such as `100@10500`. @param lots of the symbol @param ticks of the symbol */
export function asInFile(symbol: SymbolUnits, lots: number, ticks: number): string {
  return `${symbol.quantity(lots)}@${milliText(symbol, ticks)}`;
}

/** A price in thousandths, as the file writes it. @param ticks of the symbol */
export function milliText(symbol: SymbolUnits, ticks: number): string {
  // A price of the exchange may lie between two thousandths, which the file cannot have.
  return String(Number((Number(symbol.price(ticks)) * 1000).toPrecision(15)));
}

/** Price and quantity of a row in the symbol's units. @throws OrderFlowError */
function checkUnits(
  path: string,
  { line, priceMilli, quantity }: { readonly line: number; readonly priceMilli: number; readonly quantity: number },
  symbol: SymbolUnits,
): { price: number; quantity: number } {
  let what = `price_milli ${priceMilli}`;
  try {
    const price = milliTicks(symbol, priceMilli);
    what = `quantity ${quantity}`;
    return { price, quantity: symbol.lots(quantity) };
  } catch (error) {
    if (!(error instanceof DecimalError)) throw error;
    const { tickSize, lotSize } = symbol.definition;
    const detail = `${what} is not possible in ${symbol.name}, with tick ${tickSize} and lot ${lotSize}: ${error.message}`;
    throw new OrderFlowError('FLOW_ROW', path, line, detail);
  }
}

/** Defines missing symbol, assets and account through the admin interface. */
export async function prepareVenue(
  flags: ConnectionFlags,
  { units: { name }, known }: ReplaySymbol,
  flow: FlowSummary,
): Promise<ReplayVenue> {
  const symbol = known ?? (await defineSymbol(flags, name));
  const accounts = await askAdmin<number[]>(flags, '/v1/accounts');
  const account = Math.max(0, ...accounts) + 1;
  const deposits = { [symbol.quote]: String(Math.ceil((flow.buyMilli * WITH_FEES) / 1000)), [symbol.base]: String(flow.soldQuantity) };
  // Every row but the cancels may rest at the same time.
  await askAdmin(flags, '/v1/accounts', { id: account, name: 'replay', maxOpenOrders: flow.rows, deposits });
  return { symbol: name, account };
}

export async function setPhase(flags: ConnectionFlags, symbol: string, phase: FlowPhase): Promise<void> {
  await askAdmin(flags, `/v1/symbols/${pathOf(symbol)}/phase`, { phase });
}

/** `SSE-600536` for 600536.orders.csv.gz; with a number behind it when the day has been replayed here before. */
function freshName(path: string, taken: readonly string[]): string {
  const stem = basename(path)
    .replace(/\..*$/, '')
    .replace(/[^A-Za-z0-9_-]/g, '-');
  for (let attempt = 1; ; attempt++) {
    const suffix = attempt === 1 ? '' : `-${attempt}`;
    const name = `SSE-${stem}`.slice(0, NAME_LENGTH - suffix.length) + suffix;
    if (!taken.includes(name)) return name;
  }
}

async function requireEmpty(flags: ConnectionFlags, name: string): Promise<void> {
  const { bids, asks } = await askAdmin<{ bids: OrderRow[]; asks: OrderRow[] }>(flags, `/v1/book/${pathOf(name)}?depth=1`);
  if (bids.length + asks.length === 0) return;
  throw new CliError(
    `orders rest in ${name}, and a replay starts from an empty book; name another symbol, or leave --symbol out`,
    ExitCode.Failed,
  );
}

async function defineSymbol(flags: ConnectionFlags, name: string): Promise<SymbolView> {
  const symbols = await askAdmin<SymbolView[]>(flags, '/v1/symbols');
  const assets = await askAdmin<AssetView[]>(flags, '/v1/assets');
  let lastAsset = Math.max(0, ...assets.map(({ id }) => id));
  for (const asset of [QUOTE, BASE]) {
    if (!assets.some((known) => known.name === asset.name)) await askAdmin(flags, '/v1/assets', { id: ++lastAsset, ...asset });
  }
  const id = Math.max(0, ...symbols.map((symbol) => symbol.id)) + 1;
  return await askAdmin<SymbolView>(flags, '/v1/symbols', {
    id,
    name,
    base: BASE.name,
    quote: QUOTE.name,
    tick: TICK,
    lot: LOT,
    phase: 'closed',
    limits: { maxPrice: MAX_PRICE },
  });
}
