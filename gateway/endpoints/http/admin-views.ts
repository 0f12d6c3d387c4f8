import { codeName } from '../../../engine/codes.ts';
import { unitsToDecimal } from '../../../engine/decimal.ts';
import type { AccountInfo, AccountTierInfo, FeeTableInfo, PositionLimitInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';
import type { OpenOrderInfo, TrailInfo } from '../../../engine/threads/open-order-info.ts';
import { getI64 } from '../../../engine/units.ts';
import { ReportKind, Trade } from '../../../engine/wire/layout.ts';
import {
  LINK_NAMES,
  PEG_NAMES,
  PHASE_NAMES,
  REPORT_KIND_NAMES,
  ReportFlag,
  SELF_TRADE_NAMES,
  SIDE_NAMES,
  subPhaseName,
  TIME_IN_FORCE_NAMES,
  TRIGGER_NAMES,
} from '../../../engine/wire/names.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import { REFERENCE_SOURCES } from '../../config/config-reference.ts';
import { AUCTION_PRICES } from '../../config/config-symbol.ts';
import { VOLATILITY_PROFILES } from '../../config/config-volatility.ts';
import type { Level } from '../../market/book-mirror.ts';
import type { OrderRow } from '../../taps/history/queries.ts';
import { moneyText, priceText, quantityText, type SymbolLookup } from '../json/amounts.ts';

/** JSON of the admin interface. Each amount is given twice: as decimal text and as the exact integer. */

const percent = (ppm: number) => `${unitsToDecimal(ppm, 1, 4)}%`;

export function symbolView(symbol: SymbolInfo) {
  const { params, quoteAsset, baseAsset } = symbol;
  return {
    id: symbol.id,
    name: symbol.name,
    base: baseAsset.name,
    quote: quoteAsset.name,
    baseDecimals: baseAsset.decimals,
    quoteDecimals: quoteAsset.decimals,
    tickSize: unitsToDecimal(1, symbol.tickMantissa, symbol.tickDecimals),
    lotSize: unitsToDecimal(1, symbol.lotMantissa, symbol.lotDecimals),
    phase: PHASE_NAMES[symbol.phase],
    subPhase: subPhaseName(symbol.subPhase),
    killed: symbol.killed,
    lastPrice: priceText(symbol, symbol.lastPrice),
    lastPriceTicks: symbol.lastPrice,
    referencePrice: priceText(symbol, symbol.referencePrice),
    referencePriceTicks: symbol.referencePrice,
    referenceSource: REFERENCE_SOURCES[params.ReferenceSource],
    lastTradeId: String(symbol.tradeId),
    priceBand: percent(params.PriceBandPpm),
    // The former name of priceBand, published for one release.
    collar: percent(params.PriceBandPpm),
    sessionEnd: params.SessionEnd === 0 ? null : timeText(params.SessionEnd),
    auctionPrice: AUCTION_PRICES[params.AuctionPrice],
    volatility: volatilityView(symbol),
    fees: { maker: percent(params.MakerFeePpm), taker: percent(params.TakerFeePpm), tiers: params.FeeTierTable },
    limits: {
      maxPrice: priceText(symbol, params.MaxPrice),
      tickStep: priceText(symbol, params.TickStep),
      lotStep: quantityText(symbol, params.LotStep),
      minQuantity: quantityText(symbol, params.MinQuantity),
      maxQuantity: quantityText(symbol, params.MaxQuantity),
      minDisplayed: quantityText(symbol, params.MinDisplayed),
      minNotional: moneyText(quoteAsset, params.MinNotional),
      maxNotional: moneyText(quoteAsset, params.MaxNotional),
    },
    params,
  };
}

/** Times as the clock shows them; null where there is none. */
function volatilityView(symbol: SymbolInfo) {
  const { params, staticPrice, interruptedUntilUs } = symbol;
  return {
    staticBand: percent(params.StaticBandPpm),
    dynamicBand: percent(params.DynamicBandPpm),
    duration: params.VolatilityUs / 1e6,
    wideBand: percent(params.WideBandPpm),
    extension: params.VolatilityExtensionUs / 1e6,
    randomEnd: params.VolatilityRandomUs / 1e6,
    profile: VOLATILITY_PROFILES[params.VolatilityProfile],
    staticPrice: priceText(symbol, staticPrice),
    staticPriceTicks: staticPrice,
    interruptedUntil: interruptedUntilUs === 0 ? null : timeText(interruptedUntilUs),
  };
}

const timeText = (us: number) => new Date(Math.ceil(us / 1000)).toISOString();

export function accountView(account: AccountInfo, directory: SymbolLookup) {
  const { balances, killSwitches, positionLimits, feeTiers, ...rest } = account;
  return {
    ...rest,
    killSwitches: { ...killSwitches, symbols: killSwitches.symbols.map((id) => directory.symbol(id)?.name) },
    feeTiers: feeTiers.map((tier) => accountTierView(tier, directory)),
    positionLimits: positionLimits.flatMap((limit) => positionLimitView(directory.symbol(limit.symbol), limit)),
    balances: balances.map(({ asset, available, reserved }) => ({
      asset: asset.name,
      available: moneyText(asset, available),
      reserved: moneyText(asset, reserved),
      availableUnits: available,
      reservedUnits: reserved,
    })),
  };
}

/** The volume is not known before the first order of a day, except that a tier that was given needs none. */
function accountTierView({ table, asset: id, tier, given, volume, day }: AccountTierInfo, directory: SymbolLookup) {
  const asset = directory.asset(id);
  const view = { table, tier, ...(given && { given }), asset: asset?.name };
  if (day === 0) return view;
  const date = new Date(day * 86_400_000).toISOString().slice(0, 10);
  return { ...view, volume: asset && moneyText(asset, volume), volumeUnits: volume, day: date };
}

export function feeTableView({ table, asset, tiers }: FeeTableInfo) {
  return {
    table,
    asset: asset.name,
    tiers: tiers.map(({ volume, makerPpm, takerPpm }) => ({
      ...{ volume: moneyText(asset, volume), volumeUnits: volume },
      ...{ maker: percent(makerPpm), taker: percent(takerPpm), makerPpm, takerPpm },
    })),
  };
}

function positionLimitView(symbol: SymbolInfo | undefined, limit: PositionLimitInfo) {
  if (symbol === undefined) return [];
  const { maxPosition, maxExposure, position, openBuys, openSells } = limit;
  const lots = (value: number) => quantityText(symbol, value);
  return [
    {
      symbol: symbol.name,
      maxPosition: lots(maxPosition),
      maxExposure: lots(maxExposure),
      position: lots(position),
      openBuys: lots(openBuys),
      openSells: lots(openSells),
      maxPositionLots: maxPosition,
      maxExposureLots: maxExposure,
      positionLots: position,
      openBuysLots: openBuys,
      openSellsLots: openSells,
    },
  ];
}

export function levelView(symbol: SymbolInfo, { price, quantity, orders }: Level) {
  return { price: priceText(symbol, price), quantity: quantityText(symbol, quantity), orders, priceTicks: price, quantityLots: quantity };
}

/** An order of the history. While it is open, with its present state and terms, which only the engine has. */
export function historyOrderView(directory: SymbolLookup, order: OrderRow, open: OpenOrderInfo | undefined) {
  const view = orderView(directory, order);
  if (open === undefined || !('quantity' in view)) return view;
  const { quantity, quantityLots, acceptedUs, updatedUs, pegged } = view;
  return { ...orderView(directory, open), ...(pegged && { pegged }), quantity, quantityLots, acceptedUs, updatedUs };
}

/** An order, from the engine or from the history. @param acceptedUs of an order from the engine, if it is known */
export function orderView(directory: SymbolLookup, order: OpenOrderInfo | OrderRow, acceptedUs?: number) {
  const symbol = directory.symbol(order.symbol);
  const price = symbol && priceText(symbol, order.price);
  const lots = (value: number) => symbol && quantityText(symbol, value);
  const common = {
    orderId: order.orderId,
    clientOrderId: order.clientOrderId,
    symbol: symbol?.name,
    side: SIDE_NAMES[order.side],
    timeInForce: TIME_IN_FORCE_NAMES[order.timeInForce],
    price,
    leaves: lots(order.leaves),
    filled: lots(order.filled),
    priceTicks: order.price,
    leavesLots: order.leaves,
    filledLots: order.filled,
    ...(order.clientOrderId === 0 && { quote: true }),
  };
  if (!('status' in order)) {
    const { iceberg, peg } = order;
    const status = openStatus(symbol, order);
    return {
      ...common,
      ...status,
      ...childView(symbol, order),
      ...termsView(order),
      ...(iceberg && icebergView(symbol, iceberg)),
      ...(peg && pegView(symbol, peg)),
      ...(acceptedUs !== undefined && { acceptedUs }),
    };
  }
  return {
    ...common,
    ...(order.stopPrice !== 0 && stopView(symbol, { price: order.stopPrice, trigger: order.trigger })),
    status: order.status,
    ...(order.pegged !== 0 && { pegged: true }),
    code: order.code === 0 ? undefined : codeName(order.code),
    quantity: lots(order.quantity),
    quantityLots: order.quantity,
    acceptedUs: order.acceptedUs,
    updatedUs: order.updatedUs,
  };
}

/**
 * The terms of an open order that the history does not have: whether it is a market order of an auction, whether it is hidden, its partner, its
 * children, its end, the self-trade mode that it names, and the session whose end cancels it.
 */
export function termsView({ market, hidden, endUs, selfTradeMode, session, link, children }: OpenOrderInfo) {
  return {
    ...(market && { type: 'market' as const }),
    ...(hidden && { hidden }),
    ...(link && { linked: { kind: LINK_NAMES[link.kind], orderId: link.orderId } }),
    ...(children && { childOrderIds: children }),
    ...(endUs !== undefined && { endUs }),
    ...(selfTradeMode !== 0 && { selfTrade: SELF_TRADE_NAMES[selfTradeMode] }),
    ...(session !== undefined && { session }),
  };
}

/** Of an order that waits for fills of its parent. */
interface ChildView {
  readonly status?: 'waiting';
  readonly parentOrderId?: number;
  readonly toCome?: string;
  readonly toComeLots?: number;
}

/** What of it may become live, which is part of what is open. */
export function childView(symbol: SymbolInfo | undefined, { child }: OpenOrderInfo): ChildView {
  if (child === undefined) return {};
  const { parentId, later, waits } = child;
  return {
    ...(waits && { status: 'waiting' }),
    ...(parentId !== undefined && { parentOrderId: parentId }),
    ...(symbol && { toCome: quantityText(symbol, later) }),
    toComeLots: later,
  };
}

/** Pending, as long as the order is outside the book. */
export function openStatus(symbol: SymbolInfo | undefined, { stop, waits, peg }: OpenOrderInfo) {
  if (stop !== undefined) return stopView(symbol, stop);
  return { status: waits || peg?.parked ? 'pending' : 'open' };
}

/** A stop that waits for its trigger. */
function stopView(symbol: SymbolInfo | undefined, { price, trigger, trail }: NonNullable<OpenOrderInfo['stop']>) {
  // A trailing stop that waits for its parent has no price yet.
  const known = price !== 0 && { stopPrice: symbol && priceText(symbol, price), stopPriceTicks: price };
  const stop = { status: 'pending', ...known, trigger: TRIGGER_NAMES[trigger] };
  return trail === undefined ? stop : { ...stop, ...trailView(symbol, trail) };
}

function trailView(symbol: SymbolInfo | undefined, { offset, activationPrice, limitOffset }: TrailInfo) {
  const priced = <N extends string>(name: N, ticks: number) =>
    ticks === 0 ? undefined : { [name]: symbol && priceText(symbol, ticks), [`${name}Ticks`]: ticks };
  return {
    ...(offset < 0 ? { trailPpm: -offset } : priced('trailOffset', offset)),
    ...priced('activationPrice', activationPrice),
    ...priced('limitOffset', limitOffset),
  };
}

/** What an order displays at a time, and now; and under which id in market data. */
export function icebergView(symbol: SymbolInfo | undefined, { display, displayed, publicId }: NonNullable<OpenOrderInfo['iceberg']>) {
  return {
    displayedQuantity: symbol && quantityText(symbol, display),
    displayedQuantityLots: display,
    ...(displayed !== undefined && {
      displayedNow: symbol && quantityText(symbol, displayed),
      displayedNowLots: displayed,
      publicOrderId: publicId,
    }),
  };
}

/** What a pegged order follows, and how far. */
export function pegView(symbol: SymbolInfo | undefined, { kind, offset, limit, parked }: NonNullable<OpenOrderInfo['peg']>) {
  return {
    peg: PEG_NAMES[kind],
    pegOffset: symbol && `${offset < 0 ? '-' : ''}${priceText(symbol, Math.abs(offset))}`,
    pegOffsetTicks: offset,
    limitPrice: symbol && priceText(symbol, limit),
    limitPriceTicks: limit,
    ...(parked && { parked }),
  };
}

/** Each packed record, as `view` shows it, one at a time; the views are read through one aligned copy. */
export function* eachRecord<T>(
  packed: Uint8Array,
  recordBytes: number,
  view: (bytes: Uint8Array, words: Int32Array, byte: number) => T,
): Generator<T> {
  const copy = packed.slice();
  const words = new Int32Array(copy.buffer);
  for (let byte = 0; byte < copy.length; byte += recordBytes) yield view(copy, words, byte);
}

/** The report being shown. */
const report = new ReportView();

export function reportView(directory: SymbolLookup, _bytes: Uint8Array, words: Int32Array, byte: number) {
  const { kind, code, flags, price, quantity, leaves, filled, stopPrice } = report.wrap(words, byte >> 2);
  const symbol = directory.symbol(report.symbol);
  const lots = (value: number) => (symbol ? quantityText(symbol, value) : undefined);
  const fill = kind === ReportKind.Fill;
  // A mass cancel counts orders, and a dead man's switch has a time.
  const orders = (value: number) => (kind === ReportKind.MassCancelled || kind === ReportKind.CancelAfterSet ? String(value) : lots(value));
  return {
    reportNo: report.reportNo,
    kind: REPORT_KIND_NAMES[kind],
    code,
    codeName: codeName(code),
    symbol: symbol?.name,
    side: SIDE_NAMES[report.side],
    timeInForce: TIME_IN_FORCE_NAMES[report.timeInForce],
    orderId: report.orderId,
    clientOrderId: report.clientOrderId,
    price: symbol && priceText(symbol, price),
    quantity: orders(quantity),
    leaves: orders(leaves),
    filled: lots(filled),
    priceTicks: price,
    quantityLots: quantity,
    leavesLots: leaves,
    filledLots: filled,
    stopPrice: stopPrice !== 0 && symbol ? priceText(symbol, stopPrice) : undefined,
    stopPriceTicks: stopPrice || undefined,
    trigger: stopPrice === 0 ? undefined : TRIGGER_NAMES[report.trigger],
    fee: fill && symbol ? moneyText(symbol.quoteAsset, report.fee) : undefined,
    feeUnits: fill ? report.fee : undefined,
    tradeId: fill ? report.tradeId : undefined,
    contraOrderId: fill ? report.contraOrderId : undefined,
    maker: fill ? (flags & ReportFlag.Maker) !== 0 : undefined,
    auction: fill ? (flags & ReportFlag.Auction) !== 0 : undefined,
    selfTrade: (flags & ReportFlag.SelfTrade) !== 0 || undefined,
    pegged: (flags & ReportFlag.Pegged) !== 0 || undefined,
    duplicate: (flags & ReportFlag.Duplicate) !== 0 || undefined,
    retryUs: report.retryUs || undefined,
    keptPriority: kind === ReportKind.Amended ? (flags & ReportFlag.KeptPriority) !== 0 : undefined,
    tag: report.tag,
    seq: report.seq,
    timeUs: report.timeUs,
  };
}

export function tradeView(symbol: SymbolInfo, bytes: Uint8Array, words: Int32Array, byte: number) {
  const field = (offset: number) => getI64(words, (byte + offset) >> 2);
  const auction = bytes[byte + Trade.auction] !== 0;
  return {
    tradeId: String(field(Trade.tradeId)),
    price: priceText(symbol, field(Trade.price)),
    quantity: quantityText(symbol, field(Trade.quantity)),
    priceTicks: field(Trade.price),
    quantityLots: field(Trade.quantity),
    aggressor: auction ? undefined : SIDE_NAMES[bytes[byte + Trade.aggressor]],
    auction,
    buyOrderId: String(field(Trade.buyOrderId)),
    sellOrderId: String(field(Trade.sellOrderId)),
    seq: field(Trade.seq),
    timeUs: field(Trade.timeUs),
  };
}
