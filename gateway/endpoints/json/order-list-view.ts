import { codeName } from '../../../engine/codes.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import type { OpenOrderInfo } from '../../../engine/threads/open-order-info.ts';
import {
  LINK_NAMES,
  PEG_NAMES,
  ReportFlag,
  SELF_TRADE_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
  TRIGGER_NAMES,
} from '../../../engine/wire/names.ts';
import type { ReportView } from '../../../engine/wire/report-view.ts';
import type { OrderRow } from '../../taps/history/queries.ts';
import { moneyText, priceText, quantityText, type SymbolLookup } from './amounts.ts';

/** JSON of orders in lists, and of fills, with the names of FIX. */

export function statusOfOpen({ stop, waits, peg, child, filled }: OpenOrderInfo) {
  if (child?.waits) return 'waiting';
  if (stop !== undefined || waits || peg?.parked) return 'pending';
  return filled > 0 ? 'partially-filled' : 'new';
}

/** Terms of an open order that its reports do not have. */
export function openTerms(symbol: SymbolInfo, { stop, peg, iceberg, hidden, market, endUs, selfTradeMode, link }: OpenOrderInfo) {
  const price = (ticks: number) => priceText(symbol, ticks);
  const trail = stop?.trail;
  return {
    ...(market && { ordType: 'market' as const }),
    ...(stop && { ...(stop.price !== 0 && { stopPx: price(stop.price) }), trigger: TRIGGER_NAMES[stop.trigger] }),
    ...(trail && (trail.offset < 0 ? { trailPpm: -trail.offset } : { trailOffset: price(trail.offset) })),
    ...(trail && trail.activationPrice !== 0 && { activationPrice: price(trail.activationPrice) }),
    ...(trail && trail.limitOffset !== 0 && { limitOffset: price(trail.limitOffset) }),
    ...(iceberg && { displayQty: quantityText(symbol, iceberg.display) }),
    ...(hidden && { hidden }),
    ...(peg && {
      peg: PEG_NAMES[peg.kind],
      pegOffset: `${peg.offset < 0 ? '-' : ''}${price(Math.abs(peg.offset))}`,
      limitPrice: price(peg.limit),
      ...(peg.parked && { parked: true }),
    }),
    ...(endUs !== undefined && { expireTime: new Date(endUs / 1000).toISOString() }),
    ...(selfTradeMode !== 0 && { selfTrade: SELF_TRADE_NAMES[selfTradeMode] }),
    ...(link && { linked: { kind: LINK_NAMES[link.kind], orderId: String(link.orderId) } }),
  };
}

/** When an order was accepted. @param us microseconds since the Unix epoch; 0 or undefined: it is not known */
export function acceptedView(us: number | undefined) {
  return us === undefined || us === 0 ? {} : { acceptedTime: new Date(us / 1000).toISOString(), acceptedTimeUs: us };
}

const STATUS: Readonly<Record<'filled' | 'cancelled', string>> = { filled: 'filled', cancelled: 'canceled' };

/**
 * An order of a list: from the engine while it is open, else from the history. Undefined: its symbol is not known.
 * @param accepted acceptance times of orders that are not from the history, by order id
 */
export function listedOrderView(
  symbols: SymbolLookup,
  account: number,
  order: OpenOrderInfo | OrderRow,
  open?: OpenOrderInfo,
  accepted?: ReadonlyMap<number, number>,
) {
  const symbol = symbols.symbol(order.symbol);
  if (symbol === undefined) return undefined;
  const now = open ?? order;
  const row = 'status' in order ? order : undefined;
  const info = 'status' in now ? undefined : now;
  const ended =
    row !== undefined && info === undefined && (row.status === 'filled' || row.status === 'cancelled') ? STATUS[row.status] : undefined;
  return {
    account,
    orderId: String(order.orderId),
    ...(order.clientOrderId !== 0 && { clOrdId: String(order.clientOrderId) }),
    symbol: symbol.name,
    side: SIDE_NAMES[order.side],
    timeInForce: TIME_IN_FORCE_NAMES[order.timeInForce],
    ordStatus:
      info !== undefined
        ? statusOfOpen(info)
        : (ended ?? (row?.status === 'pending' ? 'pending' : order.filled > 0 ? 'partially-filled' : 'new')),
    ...(now.price !== 0 && { price: priceText(symbol, now.price) }),
    ...(row !== undefined && info === undefined && row.stopPrice !== 0 && { stopPx: priceText(symbol, row.stopPrice) }),
    ...(info && openTerms(symbol, info)),
    // Of an open order, so that the three add up: the row may be older than an amend.
    orderQty: quantityText(symbol, info === undefined ? (row?.quantity ?? 0) : info.filled + info.leaves),
    cumQty: quantityText(symbol, now.filled),
    leavesQty: quantityText(symbol, ended === undefined ? now.leaves : 0),
    ...(row !== undefined && row.code !== 0 && { name: codeName(row.code) }),
    ...acceptedView(row?.acceptedUs ?? accepted?.get(order.orderId)),
    ...(row !== undefined && { transactTime: new Date(row.updatedUs / 1000).toISOString() }),
  };
}

/** A fill. Undefined: its symbol is not known. */
export function fillView(symbols: SymbolLookup, report: ReportView) {
  const symbol = symbols.symbol(report.symbol);
  if (symbol === undefined) return undefined;
  const { flags, timeUs, clientOrderId } = report;
  const lots = (value: number) => quantityText(symbol, value);
  return {
    execId: String(report.reportNo),
    orderId: String(report.orderId),
    ...(clientOrderId !== 0 && { clOrdId: String(clientOrderId) }),
    symbol: symbol.name,
    side: SIDE_NAMES[report.side],
    lastPx: priceText(symbol, report.price),
    lastQty: lots(report.quantity),
    cumQty: lots(report.filled),
    leavesQty: lots(report.leaves),
    fee: moneyText(symbol.quoteAsset, report.fee),
    feeCurrency: symbol.quoteAsset.name,
    tradeId: String(report.tradeId),
    liquidity: (flags & ReportFlag.Auction) !== 0 ? 'auction' : (flags & ReportFlag.Maker) !== 0 ? 'maker' : 'taker',
    transactTime: new Date(timeUs / 1000).toISOString(),
    transactTimeUs: timeUs,
  };
}
