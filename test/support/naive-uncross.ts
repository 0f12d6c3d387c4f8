import { Code } from '../../engine/codes.ts';
import { SymbolParam } from '../../engine/params.ts';
import { Phase, Side, SubPhase } from '../../engine/wire/layout.ts';
import { amongLimits } from './naive-auction-price.ts';
import { NaiveAuctions } from './naive-auctions.ts';
import { payFee } from './naive-fees.ts';
import { shownOf, shrink } from './naive-icebergs.ts';
import { fill, nameInterruption, pull, settle } from './naive-matching.ts';
import type { NaiveOrder } from './naive-order.ts';
import type { NaiveState } from './naive-state.ts';

export function uncross(state: NaiveState): void {
  if (state.phase !== Phase.Auction || state.subPhase === SubPhase.PreOpen) return state.admin(Code.WRONG_PHASE);
  if (!isReady(state)) return state.admin(Code.UNCROSS_WAITS);
  const { price, volume } = uncrossAll(state);
  state.admin(Code.OK, price, volume);
}

/** From rules 6 on, all that is due ends before an uncross, and its orders enter the book. */
function isReady(state: NaiveState): boolean {
  return state.rules < 6 || (state.auctions.isReady && !state.massCancels.isBusy && state.pegs.areParked);
}

/** Tries every price: most volume, then least surplus, then pressure, then nearest the reference, then the higher. */
export function auctionPrice(state: NaiveState): { price: number; volume: number } {
  const limits = state.resting.map((o) => o.price);
  const reference = state.params[SymbolParam.ReferencePrice];
  const rows = [];
  const [lowest, highest] = [Math.min(...limits), Math.max(...limits)];
  // Demand and supply change only here.
  const prices = new Set([...limits.flatMap((price) => [price - 1, price, price + 1]), reference, reference - 1, reference + 1]);
  for (const price of [...prices].filter((each) => each >= lowest && each <= highest).sort((a, b) => a - b)) {
    const [buys, sells] = [lots(state, Side.Buy, price), lots(state, Side.Sell, price)];
    rows.push({ price, volume: Math.min(buys, sells), surplus: buys - sells });
  }
  const among = priceAmongLimits(state, rows);
  if (among !== undefined) return among;
  const most = Math.max(0, ...rows.map((row) => row.volume));
  if (most === 0) return { price: 0, volume: 0 };
  let best = rows.filter((row) => row.volume === most);
  const least = Math.min(...best.map((row) => Math.abs(row.surplus)));
  best = best.filter((row) => Math.abs(row.surplus) === least);
  const pressure =
    least > 0 && best.every(({ surplus }) => surplus > 0) ? 1 : least > 0 && best.every(({ surplus }) => surplus < 0) ? -1 : 0;
  if (state.resting.some(({ market }) => market)) {
    const at = best.map(({ price }) => price);
    const price = NaiveAuctions.price(at, pressure, state.resting, reference);
    return { price, volume: price === 0 ? 0 : most };
  }
  if (least > 0 && best.every((row) => row.surplus > 0)) return best[best.length - 1];
  if (least > 0 && best.every((row) => row.surplus < 0)) return best[0];
  const nearest = Math.min(...best.map((row) => Math.abs(row.price - reference)));
  return best.filter((row) => Math.abs(row.price - reference) === nearest)[
    best.length > 1 ? best.filter((row) => Math.abs(row.price - reference) === nearest).length - 1 : 0
  ];
}

/** With a rule that knows only limits of orders; undefined without one, or if only market orders trade. */
function priceAmongLimits(
  state: NaiveState,
  rows: readonly { price: number; volume: number; surplus: number }[],
): { price: number; volume: number } | undefined {
  const rule = state.params[SymbolParam.AuctionPrice];
  if (rule === 0) return undefined;
  const limits = new Set(state.resting.filter(({ market, open }) => !market && open > 0).map((o) => o.price));
  const candidates = rows.filter(({ price }) => limits.has(price)).map(({ price, volume, surplus }) => ({ price, volume, gap: surplus }));
  const price = amongLimits(candidates, rule, state.params[SymbolParam.ReferencePrice], 1);
  if (price === 0) return undefined;
  state.seen.add(rule === 1 ? 'auction price among limits' : 'auction price in the middle of limits');
  return { price, volume: Math.min(lots(state, Side.Buy, price), lots(state, Side.Sell, price)) };
}

/** Lots of a side that can trade at a price. */
function lots(state: NaiveState, side: Side, price: number): number {
  const those = state.queue(side).filter((o) => (side === Side.Buy ? o.price >= price : o.price <= price));
  return those.reduce((sum, o) => sum + o.open, 0);
}

function uncrossAll(state: NaiveState): { price: number; volume: number } {
  if (state.rules >= 5) state.auctions.beforeUncross();
  state.pegs.parkAll();
  const { price, volume } = auctionPrice(state);
  if (volume > 0) state.volatility.setMiddle(price);
  let left = volume;
  const done: NaiveOrder[] = [];
  const tripped: number[] = [];
  while (left > 0) {
    const [buy] = state.auctionQueue(Side.Buy).filter((o) => o.open > 0);
    const [sell] = state.auctionQueue(Side.Sell).filter((o) => o.open > 0);
    for (const o of [buy, sell])
      if (o !== state.queue(o.side).find(({ open }) => open > 0))
        state.seen.add(o.hidden ? 'hidden order before a displayed one in an auction' : 'refreshed iceberg first in an auction');
    const quantity = Math.min(left, buy.open, sell.open);
    const [buyFee, sellFee] = [buy, sell].map(({ fees }) => payFee(fees, price * quantity, fees.taker));
    settle(state, buy, sell, price, quantity, buyFee, sellFee);
    const flags = state.rules >= 4 && state.controls.selfTrade.own(buy, sell) ? 24 : 8;
    const [[buyId], [sellId]] = [shownOf(buy), shownOf(sell)];
    fill(state, buy, sellId, price, quantity, buyFee, flags);
    fill(state, sell, buyId, price, quantity, sellFee, flags);
    for (const o of [buy, sell]) shrink(o);
    for (const o of [buy, sell]) state.links.filled(o, quantity);
    left -= quantity;
    for (const o of [buy, sell]) if (o.open === 0) done.push(o);
    for (const o of [buy, sell]) if (state.protections.filled(o, quantity)) tripped.push(o.account);
  }
  for (const o of done) state.gone(o);
  for (const account of tripped) pull(state, account);
  state.stops.swept(state.prices, state.movedByTrades);
  state.prices = [];
  if (state.rules >= 5) state.auctions.afterUncross(() => [Side.Buy, Side.Sell].flatMap((side) => state.queue(side)));
  return { price, volume };
}

export function endInterruption(state: NaiveState): void {
  if (!isReady(state)) return void state.seen.add('interruption waits for what is due');
  state.massCancels.clearBook();
  state.pegs.parkAll();
  if (state.volatility.extend(state.timeUs, auctionPrice(state).price)) return nameInterruption(state);
  uncrossAll(state);
  state.volatility.stop();
  state.phase = Phase.Continuous;
  state.subPhase = SubPhase.None;
}
