import { assert } from '../../engine/assert.ts';
import { EXPIRIES_PER_COMMAND } from '../../engine/machine/expiry.ts';
import { CommandKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { ACCOUNTS, type LongCommand, MeasuredMachine } from './state-machine.ts';
import { inTurns, ratioOf } from './turns.ts';

/** Figures of one window. */
export interface ExpiryFigures {
  /** Nanoseconds per new order that rests: good till cancel, and good till date. */
  readonly enterCancelNs: number;
  readonly enterDateNs: number;
  /** Amends with orders that expire in the book, none of them due, over amends without: ratio of the times. */
  readonly amendRatio: number;
  /** Nanoseconds per expired order, and milliseconds of a tick, 99th percentile. */
  readonly expireNs: number;
  readonly tickP99Ms: number;
}

const CHUNK = 1000;
const PRICES = 400;
/** Ends are spread over an hour; then all are due at once. */
const SPAN_US = 3_600_000_000;
const AMENDS = 100;

/** The same orders in two machines, in turns: in one they expire. @throws InvariantError if an order is left, or money is not conserved */
export function runExpiry(orders: number, onChunk: () => void): ExpiryFigures {
  const [plain, ending] = [new MeasuredMachine(orders + 1), new MeasuredMachine(orders + 1)];
  let [enterCancel, enterDate] = [0, 0];
  for (let first = 0; first < orders; first += CHUNK) {
    const chunk = Array.from({ length: CHUNK }, (_, i) => orderAt(first + i));
    enterCancel += plain.run(chunk);
    enterDate += ending.run(chunk.map((order, i) => dated(order, first + i)));
    onChunk();
  }
  const amends = (turn: number): LongCommand[] => Array.from({ length: CHUNK }, (_, i) => amendOf((turn * 7919 * CHUNK + i * 31) % orders));
  const found = inTurns(
    AMENDS,
    (turn) => plain.run(amends(turn)),
    (turn) => ending.run(amends(turn)),
    onChunk,
  );
  ending.timeUs += 2 * SPAN_US;
  const ticks: number[] = [];
  const { exchange } = ending;
  while (ticks.length < orders && exchange.slab.count > 0) if (ticks.push(ending.run([{ kind: CommandKind.Tick }])) % 10 === 0) onChunk();
  assert(ticks.length === Math.ceil(orders / EXPIRIES_PER_COMMAND) && exchange.expiries.count === 0, 'rules: all orders have expired');
  for (const asset of [1, 2]) assert(exchange.accounts.imbalance(asset) === 0, 'rules: money is conserved');
  return {
    enterCancelNs: enterCancel / orders,
    enterDateNs: enterDate / orders,
    amendRatio: ratioOf(found),
    expireNs: ticks.reduce((sum, took) => sum + took, 0) / orders,
    tickP99Ms: ticks.sort((a, b) => a - b)[Math.floor(ticks.length * 0.99)] / 1e6,
  };
}

function orderAt(i: number): LongCommand {
  const side = i & 1 ? Side.Sell : Side.Buy;
  const distance = 1 + ((i * 7919) % PRICES);
  return {
    kind: CommandKind.New,
    account: 1 + (i % ACCOUNTS),
    symbol: 1,
    clientOrderId: 1 + i,
    side,
    price: side === Side.Buy ? 10_000 - distance : 10_000 + distance,
    quantity: 1 + (i % 9),
  };
}

function dated(order: LongCommand, i: number): LongCommand {
  const expiryUs = 2_000_000 + ((i * 104_729) % SPAN_US);
  return { ...order, timeInForce: TimeInForce.GoodTillDate, extension: { expiryUs } };
}

/** To another price of the same side. */
function amendOf(i: number): LongCommand {
  const { account, clientOrderId, side, quantity } = orderAt(i);
  const distance = 1 + ((i * 31 + 7) % PRICES);
  const price = side === Side.Buy ? 10_000 - distance : 10_000 + distance;
  return { kind: CommandKind.Amend, account: account ?? 0, symbol: 1, clientOrderId: clientOrderId ?? 0, price, quantity: quantity ?? 0 };
}
