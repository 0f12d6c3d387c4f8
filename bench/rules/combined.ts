import { assert } from '../../engine/assert.ts';
import { CommandKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { FAR_US, MIDDLE, order, resting, times, waitingStop } from './orders.ts';
import { type LongCommand, MeasuredMachine } from './state-machine.ts';
import { inTurns, ratioOf } from './turns.ts';

/** Orders that wait or rest while the commands are measured. */
export interface CombinedSize {
  /** Stops of each side. */
  readonly stops: number;
  readonly icebergs: number;
  /** Orders with an end. */
  readonly dated: number;
}

/** Figures of one window. */
export interface CombinedFigures {
  /** Commands that trigger nothing beside all of them, over the same in an empty machine. */
  readonly commandRatio: number;
  /** One command at a time, 99th percentile, microseconds: beside all of them, and in the empty machine. */
  readonly commandP99Us: number;
  readonly emptyP99Us: number;
  /** Nanoseconds per order with an end, when all are due. */
  readonly expireNs: number;
}

const CHUNK = 1000;
const TURNS = 100;
const SINGLES = 20_000;
/** The book's orders are further from the middle than the measured commands. */
const NEAR = 10;
/** Commands of one round of {@link plainCommands}. */
const ROUND = 5;

/** @throws InvariantError if a stop triggers, an order is left that should expire, or money is not conserved */
export function runCombined({ stops, icebergs, dated }: CombinedSize, onChunk: () => void): CombinedFigures {
  const orders = 2 * stops + icebergs + dated;
  const [empty, full] = [new MeasuredMachine(orders + CHUNK), new MeasuredMachine(orders + CHUNK)];
  // Its first stop makes the prices of a symbol watched.
  for (const machine of [empty, full])
    machine.run([...pairAt(1), waitingStop(5, 0), { kind: CommandKind.Cancel, account: 1, symbol: 1, clientOrderId: 5 }]);
  let id = 10;
  const fill = (count: number, make: (id: number, i: number) => LongCommand): void => {
    for (let first = 0; first < count; first += CHUNK) {
      full.run(times(Math.min(CHUNK, count - first), (i) => make(id++, first + i)));
      onChunk();
    }
  };
  fill(2 * stops, waitingStop);
  fill(icebergs, (of, i) => resting(of, i, { displayedQuantity: 2 }, TimeInForce.GoodTillCancel, NEAR));
  fill(dated, (of, i) => resting(of, i, { expiryUs: FAR_US + i }, TimeInForce.GoodTillDate, NEAR));
  const beside = full.exchange.slab.count;
  assert(beside === orders && full.rejects === 0, 'rules: all orders wait or rest');

  const found = inTurns(
    TURNS,
    (turn) => empty.run(plainCommands(id + turn * CHUNK, CHUNK)),
    (turn) => full.run(plainCommands(id + turn * CHUNK, CHUNK)),
    onChunk,
  );
  id += TURNS * CHUNK;
  const singles = [empty, full].map((machine) => {
    const took = plainCommands(id, SINGLES).map((command) => machine.run([command]));
    onChunk();
    return took.sort((a, b) => a - b)[Math.floor(SINGLES * 0.99)] / 1000;
  });
  assert(full.exchange.slab.count === beside && full.rejects === 0, 'rules: no stop has triggered');

  full.timeUs = FAR_US + 2 * dated;
  let expired = 0;
  while (full.exchange.deadlineUs <= full.timeUs) {
    expired += full.run(times(10, () => ({ kind: CommandKind.Tick })));
    onChunk();
  }
  assert(full.exchange.slab.count === beside - dated, 'rules: all orders with an end have expired');
  for (const asset of [1, 2]) assert(full.exchange.accounts.imbalance(asset) === 0, 'rules: money is conserved');
  return { commandRatio: ratioOf(found), commandP99Us: singles[1], emptyP99Us: singles[0], expireNs: expired / dated };
}

/** A buy and a sell that trade at the middle. */
function pairAt(id: number): LongCommand[] {
  return [order(id, 1, Side.Buy, MIDDLE, 1), order(id, 2, Side.Sell, MIDDLE, 1)];
}

/** New orders, of which each is amended and then cancelled, and pairs that trade; all near the middle. */
function plainCommands(id: number, count: number): LongCommand[] {
  return times(count / ROUND, (round) => {
    const first = id + round * ROUND;
    const at = MIDDLE - 1 - (round % 4);
    const [account, clientOrderId] = [3 + (round % 8), first];
    return [
      order(first, account, Side.Buy, at, 10),
      { kind: CommandKind.Amend, account, symbol: 1, clientOrderId, price: at - 1, quantity: 10 },
      { kind: CommandKind.Cancel, account, symbol: 1, clientOrderId },
      ...pairAt(first + 1),
    ];
  }).flat();
}
