import { Code } from '../../engine/codes.ts';
import { Phase, ReportKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { BTC, SYMBOL, USD } from './exchange-fixture.ts';
import { check } from './naive-checks.ts';
import { trade } from './naive-matching.ts';
import type { NaiveOrder } from './naive-order.ts';
import type { NaiveQuotes } from './naive-quotes.ts';
import type { NaiveState } from './naive-state.ts';

export function forQuotes(state: NaiveState): ConstructorParameters<typeof NaiveQuotes<NaiveOrder>>[0] {
  const exchange = state;
  return {
    get resting() {
      return exchange.resting;
    },
    get isContinuous() {
      return exchange.phase === Phase.Continuous;
    },
    newSide: (account, side) => ({
      ...{
        id: 0,
        arrived: 0,
        client: 0,
        account,
        side,
        tif: 0,
        postOnly: false,
        reprice: false,
        selfTrade: 0,
        session: 0,
        end: Infinity,
        tag: 0,
        market: false,
        least: 0,
      },
      ...{ fees: state.newFees(account), price: 0, open: 0, filled: 0, terms: '' },
    }),
    nextId: () => ++state.lastOrderId,
    controls: (account, symbol, buys, sells) =>
      state.controls.check(account, symbol) ||
      (symbol === SYMBOL ? state.controls.positions.checkBoth(account, buys, sells, state.open) : Code.OK) ||
      (state.protections.isTriggered(account) ? Code.PROTECTION_TRIGGERED : Code.OK),
    count: (account) => state.controls.count(account),
    phase: () => {
      if (state.phase === Phase.Halted) return Code.SYMBOL_HALTED;
      return state.phase === Phase.Closed ? Code.SYMBOL_CLOSED : Code.OK;
    },
    limits: (o) => check(state, { ...o, postOnly: false, tif: TimeInForce.GoodTillCancel }),
    needed: (o) => state.need(o),
    available: (o) => state.available(o.account, o.side === Side.Buy ? USD : BTC),
    held: (o) => state.need(o),
    room: (account, more) => {
      if (state.open.length + more > state.limits.orders) return Code.BOOK_FULL;
      const own = state.open.filter((o) => o.account === account).length;
      return own + more > state.limits.ordersPerAccount ? Code.ORDER_SHARE_FULL : Code.OK;
    },
    answer: (...report) => state.answer(...report),
    leave: (o) => state.leave(o),
    renew: (o) => {
      const { maker, taker } = state.rates(o.account);
      o.fees = { ...o.fees, maker, taker };
    },
    place: (o) => {
      const allowed = state.phase !== Phase.Continuous || trade(state, o, o.price);
      if (o.open === 0) return;
      const code = allowed ? state.room(o, o.price) : state.refusal;
      if (code === Code.OK) state.rest(o);
      else state.answer(ReportKind.Cancelled, code, o, o.price, o.open, 0, o.filled);
    },
  };
}
