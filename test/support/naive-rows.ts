import { createHash } from 'node:crypto';
import { ROW_FIELDS } from '../../engine/machine/state-rows.ts';
import { Side, TimeInForce } from '../../engine/wire/layout.ts';
import { BTC, SYMBOL, USD } from './exchange-fixture.ts';
import { carryOf } from './naive-fees.ts';
import { icebergRows } from './naive-icebergs.ts';
import type { NaiveOrder } from './naive-order.ts';
import type { NaiveState } from './naive-state.ts';

function lifetime(_state: NaiveState, o: NaiveOrder): number {
  const bit = (o.postOnly && o.tif !== TimeInForce.PostOnly) || (o.tif >= TimeInForce.AtTheOpen && o.market);
  return o.tif | (o.selfTrade << 4) | (bit ? 0x80 : 0);
}

function sessionRows({ id, session }: NaiveOrder): number[][] {
  return session === 0 ? [] : [[58, id, session]];
}

/** The canonical rows that state exchange has, in their form; see engine/machine/state-rows.ts. */
export function stateRows(state: NaiveState): number[][] {
  const rows: number[][] = [];
  for (const account of state.accounts) {
    const suspended = Number(state.controls.suspended.has(account));
    rows.push([6, account, state.reportNo.get(account) ?? 0, state.forgotten.get(`${account}`) ?? 0, suspended]);
    for (const asset of [USD, BTC]) rows.push([7, account, asset, state.available(account, asset), state.reserved(account, asset)]);
  }
  rows.push([3, state.phase, state.lastPrice, state.tradeId, state.fees, state.lastOrderId]);
  if (state.subPhase + state.boundaryUs > 0) rows.push([22, SYMBOL, state.subPhase, state.boundaryUs]);
  const ahead = Number(state.auctions.openingAhead) + 2 * Number(state.auctions.closingOver);
  if (ahead > 0) rows.push([40, SYMBOL, ahead]);
  rows.push(...state.volatility.rows(SYMBOL));
  rows.push(...state.controls.rows(), ...state.feeTiers.rows(state.accounts));
  rows.push(...state.protections.rows());
  for (const side of [Side.Buy, Side.Sell]) {
    for (const o of state.queue(side)) {
      rows.push([
        8,
        o.id,
        o.client,
        o.price,
        o.open,
        o.filled,
        o.account,
        SYMBOL,
        side + (o.hidden ? 16 : 0) + (o.peg ? 128 : 0),
        lifetime(state, o),
        o.tag,
      ]);
      const { maker, taker } = state.newFees();
      const carry = carryOf(o.fees);
      if (state.rules >= 4 && (carry !== 0 || o.fees.maker !== maker || o.fees.taker !== taker))
        rows.push([17, o.id, carry, o.fees.maker, o.fees.taker]);
      if (o.end < Infinity) rows.push([18, o.id, o.end]);
      rows.push(...sessionRows(o));
      rows.push(...icebergRows(o, state.resting));
    }
  }
  for (const side of [Side.Buy, Side.Sell]) {
    for (const o of state.queue(side))
      if (state.rules >= 3 && state.payers.has(o) && state.page(side, o.price)[0] !== o) rows.push([16, o.id]);
  }
  rows.push(...state.stops.trails.rows(state.stops.pending, SYMBOL));
  for (const o of state.stops.pending) {
    const { trail } = o.stop;
    if (trail) rows.push([28, o.id, trail.offset, trail.extreme, Number(trail.begins === true)]);
    const bits =
      o.side +
      o.stop.trigger * 2 +
      (trail ? 4 : 0) +
      (o.iceberg || o.hidden || o.reprice ? 8 : 0) +
      256 * (o.tif | (o.selfTrade << 4) | (o.postOnly ? 0x80 : 0));
    const [limit, stopPrice] = trail ? [trail.distance, trail.extreme > 0 ? 0 : trail.activation] : [o.price, o.stop.price];
    rows.push([23, o.id, o.client, limit, o.open, stopPrice, o.account, SYMBOL, bits, o.tag, 0, state.links.reservation(o)]);
    const { maker, taker } = state.newFees();
    const carry = carryOf(o.fees);
    if (carry !== 0 || o.fees.maker !== maker || o.fees.taker !== taker) rows.push([17, o.id, carry, o.fees.maker, o.fees.taker]);
    if (o.end < Infinity) rows.push([18, o.id, o.end]);
    rows.push(...sessionRows(o));
    if (o.iceberg || o.hidden || o.reprice) rows.push([35, o.id, o.hidden ? 0 : (o.iceberg?.display ?? -1), Number(o.reprice)]);
  }
  rows.push(...state.trailReports.rows(), ...state.trailReports.turn(SYMBOL));
  for (const o of [...state.auctions.queue(), ...state.auctions.ending.filter(({ waits }) => waits)]) {
    rows.push([39, o.id, o.client, o.price, o.open, 0, o.account, SYMBOL, o.side + 256 * lifetime(state, o), o.tag]);
    const { maker, taker } = state.newFees();
    if (o.fees.maker !== maker || o.fees.taker !== taker) rows.push([17, o.id, carryOf(o.fees), o.fees.maker, o.fees.taker]);
    rows.push(...sessionRows(o));
  }
  rows.push(...state.auctions.rows(({ id }) => id));
  for (const o of state.pegs.all) {
    const { kind = 0, offset = 0, limit = 0, parked } = o.peg ?? {};
    if (parked) rows.push([47, o.id, o.client, 0, o.open, o.filled, o.account, SYMBOL, o.side + 256 * lifetime(state, o), o.tag]);
    const { maker, taker } = state.newFees();
    const ownFees = carryOf(o.fees) !== 0 || o.fees.maker !== maker || o.fees.taker !== taker;
    if (parked && ownFees) rows.push([17, o.id, carryOf(o.fees), o.fees.maker, o.fees.taker]);
    if (parked && o.end < Infinity) rows.push([18, o.id, o.end]);
    if (parked) rows.push(...sessionRows(o));
    rows.push([38, o.id, kind, offset, limit]);
  }
  rows.push(...state.pegs.rows(SYMBOL));
  rows.push(...state.children.rows((o) => lifetime(state, o)));
  rows.push(...state.links.rows(state.open));
  rows.push(...state.controls.positions.rows(state.open));
  for (const r of state.windows.byAccount())
    rows.push([9, r.account, r.client, r.orderId, r.code, r.symbol, r.side, r.tif, r.price, r.quantity, r.filled]);
  for (const account of state.accounts) {
    for (let bits = 1; bits <= 53; bits++) {
      const mark = state.forgotten.get(`${account}/${bits}`);
      if (mark !== undefined) rows.push([15, account, mark]);
    }
  }
  rows.push(...state.massCancels.rows());
  return rows;
}

export function hashRows(rows: number[][]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(new Float64Array([...row, ...new Array(ROW_FIELDS - row.length).fill(0)]));
  return hash.digest('hex');
}
