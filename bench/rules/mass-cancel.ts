import { assert } from '../../engine/assert.ts';
import { CommandKind, Side } from '../../engine/wire/layout.ts';
import { type LongCommand, MeasuredMachine } from './state-machine.ts';

/** Figures of one window. */
export interface MassCancelFigures {
  /** Nanoseconds per order that a mass cancel cancels. */
  readonly orderNs: number;
  /** Milliseconds of its command, which finds the orders, and of those that continue: the median and the 99th percentile. */
  readonly firstMs: number;
  /** The same of one that names a side, which counts its orders. */
  readonly sideMs: number;
  readonly sliceMedianMs: number;
  readonly sliceMs: number;
}

const CHUNK = 1000;
const PRICES = 400;

/** An account cancels its orders on one side, then all others: half of those in the book. @throws InvariantError if others are cancelled, or money is not conserved */
export function runMassCancel(orders: number, onChunk: () => void): MassCancelFigures {
  const machine = new MeasuredMachine(2 * orders + 1);
  const { exchange } = machine;
  for (let first = 0; first < 2 * orders; first += CHUNK) {
    machine.run(Array.from({ length: CHUNK }, (_, i) => orderAt(first + i)));
    onChunk();
  }
  const side = machine.run([{ kind: CommandKind.MassCancel, account: 1, quantity: 1 }]);
  while (exchange.deadlineUs <= machine.timeUs) machine.run([{ kind: CommandKind.Tick }]);
  const left = exchange.accounts.openOrders[1];
  const first = machine.run([{ kind: CommandKind.MassCancel, account: 1 }]);
  const slices: number[] = [];
  while (exchange.deadlineUs <= machine.timeUs) {
    slices.push(machine.run([{ kind: CommandKind.Tick }]));
    onChunk();
  }
  assert(exchange.slab.count === orders && exchange.accounts.openOrders[1] === 0, 'rules: all orders of the account are cancelled');
  for (const asset of [1, 2]) assert(exchange.accounts.imbalance(asset) === 0, 'rules: money is conserved');
  const orderNs = slices.reduce((sum, took) => sum + took, first) / left;
  slices.sort((a, b) => a - b);
  const at = (part: number): number => slices[Math.floor(slices.length * part)] / 1e6;
  return { orderNs, firstMs: first / 1e6, sideMs: side / 1e6, sliceMedianMs: at(0.5), sliceMs: at(0.99) };
}

function orderAt(i: number): LongCommand {
  const side = (i >> 1) & 1 ? Side.Sell : Side.Buy;
  const distance = 1 + ((i * 7919) % PRICES);
  const price = side === Side.Buy ? 10_000 - distance : 10_000 + distance;
  return { kind: CommandKind.New, account: 1 + (i & 1), symbol: 1, clientOrderId: 1 + i, side, price, quantity: 1 + (i % 9) };
}
