import { assert } from '../../engine/assert.ts';
import { SymbolParam } from '../../engine/params.ts';
import { CommandKind, OrderType, Phase, Side, SubPhase, TimeInForce, Trigger } from '../../engine/wire/layout.ts';
import { ACCOUNTS, type LongCommand, MeasuredMachine } from './state-machine.ts';

/** What many orders make one command, and those after it, do in parts. */
export const SLICES = {
  activation: 'Command that makes trailing stops active',
  follow: 'Command with which trailing stops join others at a new price',
  expiry: 'Uncross that waits for orders that expire',
  entry: 'Command with which orders enter the closing auction',
  close: 'Command with which orders that are left after it end',
  waiting: 'Command with which orders end whose auction does not come',
  kill: 'Kill switch of the venue, each command of it',
} as const;
export type SliceName = keyof typeof SLICES;

/** Figures of one window. */
export interface SliceFigures {
  /** Milliseconds of such a command, 90th percentile. */
  readonly sliceMs: Readonly<Record<SliceName, number>>;
  /** Nanoseconds of an uncross in which all orders trade, per order: one command, however many these are. */
  readonly uncrossNs: number;
}

const CHUNK = 1000;
const PRICES = 400;
const { ReferencePrice } = SymbolParam;

/** @param orders of each kind of work @throws InvariantError if a work leaves orders, or money is not conserved */
export function runSlices(orders: number, onChunk: () => void): SliceFigures {
  const work = new Work(orders, onChunk);
  const sliceMs = {
    activation: work.activation(),
    follow: work.follow(),
    expiry: work.expiry(),
    entry: work.entry(),
    close: work.close(),
    waiting: work.waiting(),
    kill: work.kill(),
  };
  return { sliceMs, uncrossNs: work.uncross() };
}

class Work {
  readonly #orders: number;
  readonly #onChunk: () => void;

  constructor(orders: number, onChunk: () => void) {
    this.#orders = orders;
    this.#onChunk = onChunk;
  }

  activation(): number {
    const machine = this.#filled((i) => trailing(i, 10_500), [reference(10_000)]);
    return this.#sliced(machine, reference(10_500), this.#orders);
  }

  /** Each follows from a price of its own. */
  follow(): number {
    const machine = this.#machine();
    machine.run([reference(900_000)]);
    for (let first = 0; first < this.#orders; first += CHUNK) {
      const chunk = Array.from({ length: CHUNK }, (_, i) => [trailing(first + i, 0), reference(900_000 - 1 - first - i)]);
      machine.run(chunk.flat());
      this.#onChunk();
    }
    return this.#sliced(machine, reference(950_000), this.#orders);
  }

  expiry(): number {
    const expiryUs = 2_000_000;
    const machine = this.#filled((i) => ({ ...limit(i), timeInForce: TimeInForce.GoodTillDate, extension: { expiryUs } }), []);
    machine.run([phase(SubPhase.None)]);
    machine.timeUs = expiryUs;
    return this.#sliced(machine, { kind: CommandKind.Uncross, symbol: 1 }, 0);
  }

  entry(): number {
    return this.#sliced(this.#filled(atTheClose, []), phase(SubPhase.ClosingAuction), this.#orders);
  }

  close(): number {
    const machine = this.#filled(atTheClose, [phase(SubPhase.ClosingAuction)]);
    return this.#sliced(machine, { kind: CommandKind.Uncross, symbol: 1 }, 0);
  }

  waiting(): number {
    return this.#sliced(this.#filled(atTheClose, []), { kind: CommandKind.SetPhase, symbol: 1, parameter: Phase.Closed }, 0);
  }

  kill(): number {
    const machine = this.#filled(limit, []);
    const took: number[] = [];
    // Scope 3: the venue.
    while (machine.exchange.slab.count > 0) took.push(machine.run([{ kind: CommandKind.KillSwitch, parameter: 3, quantity: 1 }]));
    return p90(took) / 1e6;
  }

  uncross(): number {
    const crossing = (i: number): LongCommand => ({
      ...limit(i),
      side: i & 1,
      price: i & 1 ? 9000 - (i % PRICES) : 9000 + (i % PRICES),
      quantity: 1,
    });
    const machine = this.#filled(crossing, [phase(SubPhase.None)]);
    const took = machine.run([{ kind: CommandKind.Uncross, symbol: 1 }]);
    assert(machine.exchange.slab.count === 0, 'rules: all orders trade in the uncross');
    return took / this.#orders;
  }

  #machine(): MeasuredMachine {
    return new MeasuredMachine(this.#orders + CHUNK);
  }

  /** @param before commands that come first */
  #filled(orderAt: (i: number) => LongCommand, before: readonly LongCommand[]): MeasuredMachine {
    const machine = this.#machine();
    machine.run(before);
    for (let first = 0; first < this.#orders; first += CHUNK) {
      machine.run(Array.from({ length: CHUNK }, (_, i) => orderAt(first + i)));
      this.#onChunk();
    }
    assert(machine.exchange.slab.count === this.#orders, 'rules: all orders are open');
    return machine;
  }

  /** A command, and ticks that go on with what it began. Returns the 90th percentile of their times, milliseconds. @param left orders that are open then */
  #sliced(machine: MeasuredMachine, command: LongCommand, left: number): number {
    const { exchange } = machine;
    const took = [machine.run([command])];
    while (exchange.deadlineUs <= machine.timeUs) if (took.push(machine.run([{ kind: CommandKind.Tick }])) % 20 === 0) this.#onChunk();
    assert(took.length > this.#orders / 1024, 'rules: one command does a part of the work');
    assert(exchange.slab.count === left, 'rules: the work is done');
    for (const asset of [1, 2]) assert(exchange.accounts.imbalance(asset) === 0, 'rules: money is conserved');
    return p90(took) / 1e6;
  }
}

function limit(i: number): LongCommand {
  return {
    kind: CommandKind.New,
    account: 1 + (i % ACCOUNTS),
    symbol: 1,
    clientOrderId: 1 + i,
    side: Side.Buy,
    price: 9000 - (i % PRICES),
    quantity: 1,
  };
}

function atTheClose(i: number): LongCommand {
  return { ...limit(i), timeInForce: TimeInForce.AtTheClose, extension: {} };
}

/** A sell that trails the reference price far below. @param stopPrice its activation price, 0 = none */
function trailing(i: number, stopPrice: number): LongCommand {
  const extension = {
    orderType: OrderType.TrailingStop,
    trigger: Trigger.ReferencePrice,
    minQuantity: 1 + (stopPrice === 0 ? 400_000 : 9000),
    stopPrice,
  };
  return { ...limit(i), side: Side.Sell, price: 0, extension };
}

function reference(price: number): LongCommand {
  return { kind: CommandKind.SetSymbol, symbol: 1, parameter: ReferencePrice, quantity: price };
}

function phase(subPhase: number): LongCommand {
  return { kind: CommandKind.SetPhase, symbol: 1, parameter: Phase.Auction, side: subPhase };
}

function p90(took: number[]): number {
  return took.sort((a, b) => a - b)[Math.floor(took.length * 0.9)];
}
