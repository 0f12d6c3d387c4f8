import { assert } from '../../engine/assert.ts';
import { TRIGGER_PAUSE_US, TRIGGERS_PER_COMMAND } from '../../engine/machine/state.ts';
import { CommandKind, OrderType, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { FAR, MIDDLE, resting } from './orders.ts';
import { ACCOUNTS, type LongCommand, MeasuredMachine } from './state-machine.ts';
import { inTurns, ratioOf } from './turns.ts';

/** Figures of one window. */
export interface StopFigures {
  /** Nanoseconds per new stop that waits. */
  readonly enterNs: number;
  /** Orders that trade beside stops that no price reaches, over the same beside as many limit orders: ratio of the times. */
  readonly tradeRatio: number;
  /** Nanoseconds per stop of a cascade, by its length. */
  readonly cascadeNs: Readonly<Record<CascadeLength, number>>;
  /** Milliseconds of a command of the longest cascade, 90th percentile: there are 40. */
  readonly sliceMs: number;
}

export const CASCADES = [1, 100, 10_000] as const;
export type CascadeLength = (typeof CASCADES)[number];

const CHUNK = 1000;
const TRADES = 100;
/** Prices that the trades reach, on both sides of the middle. */
const NEAR = 4;

/** @param stops pending stops of each side @throws InvariantError if a cascade does not trigger all, or money is not conserved */
export function runStops(stops: number, onChunk: () => void): StopFigures {
  const [plain, watched] = [new MeasuredMachine(2 * stops + CHUNK), new MeasuredMachine(2 * stops + CHUNK)];
  // The first stop of a symbol makes its prices watched; in the other machine none is left. It has as many orders: the more there are, the
  // longer it takes to find one.
  plain.run([stopAt(0, Side.Sell, 1), { kind: CommandKind.Cancel, account: 1, symbol: 1, clientOrderId: 2 }]);
  let enter = 0;
  for (let first = 0; first < stops; first += CHUNK) {
    for (const side of [Side.Buy, Side.Sell]) {
      const chunk = Array.from({ length: CHUNK }, (_, i) => stopAt(first + i, side, MIDDLE - 1000 - (((first + i) * 7919) % 50_000)));
      enter += watched.run(chunk);
      plain.run(chunk.map(({ clientOrderId = 0 }, i) => resting(clientOrderId, 2 * i + side, {}, TimeInForce.GoodTillCancel, FAR)));
    }
    onChunk();
  }
  const trades = (turn: number): LongCommand[] => Array.from({ length: CHUNK }, (_, i) => tradeAt(turn * CHUNK + i));
  const found = inTurns(
    TRADES,
    (turn) => plain.run(trades(turn)),
    (turn) => watched.run(trades(turn)),
    onChunk,
  );
  for (const { exchange, rejects } of [plain, watched])
    assert(exchange.slab.count === 2 * stops && rejects === 0, 'rules: all orders rest, and no stop has triggered');
  const cascades = CASCADES.map((length) => runCascade(length, onChunk));
  return {
    enterNs: enter / (2 * stops),
    tradeRatio: ratioOf(found),
    cascadeNs: { 1: cascades[0].stopNs, 100: cascades[1].stopNs, 10000: cascades[2].stopNs },
    sliceMs: cascades[2].sliceMs,
  };
}

/** A trade triggers a stop, whose trade triggers the next one, and so on; as often as it takes for 10,000 stops. */
function runCascade(length: CascadeLength, onChunk: () => void): { stopNs: number; sliceMs: number } {
  const machine = new MeasuredMachine(2 * length + 2);
  const { exchange } = machine;
  const slices: number[] = [];
  const rounds = 10_000 / length;
  let id = 1_000_000;
  for (let round = 0; round < rounds; round++) {
    const orders: LongCommand[] = [];
    for (let i = 0; i <= length; i++)
      orders.push({ kind: CommandKind.New, account: 1, symbol: 1, clientOrderId: ++id, side: Side.Buy, price: MIDDLE - i, quantity: 1 });
    // The last trade of the round before was at the lowest price: one at the middle comes first, so that no stop is refused.
    machine.run([orders[0], { ...orders[0], account: 2, clientOrderId: ++id, side: Side.Sell }]);
    machine.run([{ ...orders[0], clientOrderId: ++id }, ...orders.slice(1)]);
    machine.run(Array.from({ length }, (_, i) => ({ ...stopAt(0, Side.Sell, MIDDLE - 1 - i), clientOrderId: ++id })));
    const sell = { kind: CommandKind.New, account: 2, symbol: 1, clientOrderId: ++id, side: Side.Sell, price: MIDDLE - 1, quantity: 2 };
    slices.push(machine.run([sell]));
    while (exchange.deadlineUs <= machine.timeUs) {
      machine.timeUs += TRIGGER_PAUSE_US;
      slices.push(machine.run([{ kind: CommandKind.Tick }]));
    }
    assert(exchange.slab.count === 0, 'rules: all stops of the cascade have traded');
    if (round % 100 === 0) onChunk();
  }
  assert(slices.length >= (rounds * length) / TRIGGERS_PER_COMMAND, 'rules: a command triggers its share at most');
  for (const asset of [1, 2]) assert(exchange.accounts.imbalance(asset) === 0, 'rules: money is conserved');
  const stopNs = slices.reduce((sum, took) => sum + took, 0) / 10_000;
  slices.sort((a, b) => a - b);
  return { stopNs, sliceMs: slices[Math.floor(slices.length * 0.9)] / 1e6 };
}

/** A sell stop below its distance from the middle, or a buy stop as far above it. */
function stopAt(i: number, side: Side, below: number): LongCommand {
  return {
    kind: CommandKind.New,
    account: 1 + (i % ACCOUNTS),
    symbol: 1,
    clientOrderId: 1 + 2 * i + side,
    side,
    quantity: 1,
    timeInForce: TimeInForce.GoodTillCancel,
    extension: { orderType: OrderType.Stop, stopPrice: side === Side.Sell ? below : 2 * MIDDLE - below },
  };
}

/** Pairs of orders that trade with each other, at prices around the middle. */
function tradeAt(i: number): LongCommand {
  const price = MIDDLE + ((i >> 1) % (2 * NEAR)) - NEAR;
  return {
    kind: CommandKind.New,
    account: 1 + (i & 1),
    symbol: 1,
    clientOrderId: 500_000_000 + i,
    side: i & 1 ? Side.Sell : Side.Buy,
    price,
    quantity: 1,
  };
}
