import { SYMBOL_PARAM_DEFAULTS, SymbolParam } from '../../engine/params.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import type { Sequencer } from '../../engine/threads/sequencer.ts';
import { Phase } from '../../engine/wire/layout.ts';
import { type SimulatedSymbol, Simulator } from '../../feeds/simulator/simulator.ts';
import { SimulatorDriver } from '../../feeds/simulator/simulator-driver.ts';
import type { SimulatorConfig } from '../config/config-file.ts';
import { SimulatedAccounts } from './simulated-accounts.ts';

/** Interval of command batches, ms: each batch costs the log a write. */
const TICK_MS = 10;
/** Interval of the checks of the accounts' balances, ms. */
const FUNDING_MS = 5000;
/** Balance target of each account, in usual trades of each symbol. */
const FUNDED_TRADES = 2000;
/** Usual trades per maximum notional of a symbol; without a maximum, a usual trade is this many smallest ones. */
const TRADES_OF_MAX_NOTIONAL = 20_000;
const SMALLEST_OF_USUAL = 100;
/** Minimum ratio of the ladder's upper end to the price, because prices move and quotes are spread around them. */
const HEADROOM = 1.5;
const FEWEST_PRICE_STEPS = 50;

/**
 * Live order flow from the configured accounts. It goes through the sequencer
 * like all commands, but not over gRPC: the commands keep the order in which they
 * were generated, so the flow depends only on the seed, and the load on the host
 * stays low. I/O thread only.
 */
export class Simulation {
  readonly #accounts: SimulatedAccounts;
  readonly #directory: Directory;
  readonly #sequencer: Sequencer;
  readonly #symbols: readonly SimulatedSymbol[];
  readonly #driver: SimulatorDriver | undefined;
  readonly #timer: NodeJS.Timeout;
  #fundedAt = Number.NEGATIVE_INFINITY;

  /** Starts at once, on the symbols that trade continuously now and have a price. @param onPublished runs after each publish */
  constructor(config: SimulatorConfig, directory: Directory, sequencer: Sequencer, onPublished: () => void) {
    this.#accounts = new SimulatedAccounts([...config.makers, ...config.takers], directory, sequencer, onPublished);
    this.#directory = directory;
    this.#sequencer = sequencer;
    this.#symbols = directory.symbols().flatMap(simulatedSymbol);
    this.#driver = this.#symbols.length === 0 ? undefined : this.#makeDriver(config);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Commands sent. */
  get sent(): number {
    return this.#driver?.sent ?? 0;
  }

  /** Symbols that have a flow. */
  get symbols(): number {
    return this.#symbols.length;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #makeDriver({ seed, makers, takers, rate }: SimulatorConfig): SimulatorDriver {
    // Above every id that an earlier simulation can have used.
    const simulator = new Simulator({ seed, makers, takers, symbols: this.#symbols, firstClientOrderId: Date.now() * 4000 });
    const sequencer = this.#sequencer;
    const sink = {
      slots: sequencer.slots,
      refusal: () => sequencer.refusal(),
      claim: () => sequencer.claim(),
      stamp: (slot: number) => sequencer.stamp(slot),
      publish: () => this.#accounts.publish(),
    };
    return new SimulatorDriver(simulator, sink, rate);
  }

  #tick(): void {
    const now = performance.now();
    if (this.#accounts.cancelLeftovers()) return;
    if (now - this.#fundedAt > FUNDING_MS) {
      this.#fundedAt = now;
      this.#fund();
    }
    this.#driver?.poll(now);
  }

  #fund(): void {
    const needed = new Map<number, number>();
    const need = (asset: number, amount: number): void => void needed.set(asset, (needed.get(asset) ?? 0) + amount);
    for (const { id, price, quantity } of this.#symbols) {
      const symbol = this.#directory.symbol(id);
      if (symbol === undefined) continue;
      need(symbol.baseAsset.id, FUNDED_TRADES * quantity * symbol.basePerLot);
      need(symbol.quoteAsset.id, FUNDED_TRADES * quantity * price * symbol.quotePerTickLot);
    }
    this.#accounts.fund(needed);
  }
}

/** How the simulator should trade a symbol; empty when it cannot. */
function simulatedSymbol({ id, phase, params, referencePrice, lastPrice, quotePerTickLot }: SymbolInfo): SimulatedSymbol[] {
  const price = referencePrice || lastPrice;
  if (phase !== Phase.Continuous || price < FEWEST_PRICE_STEPS * params.TickStep || price * HEADROOM > params.MaxPrice) return [];
  const perLot = price * quotePerTickLot;
  // A quarter more than the least, because prices move.
  const minQuantity = Math.max(params.MinQuantity, params.LotStep, Math.ceil((1.25 * params.MinNotional) / perLot));
  const unlimited = params.MaxNotional === SYMBOL_PARAM_DEFAULTS[SymbolParam.MaxNotional];
  const usual = unlimited ? SMALLEST_OF_USUAL * minQuantity : params.MaxNotional / TRADES_OF_MAX_NOTIONAL / perLot;
  const quantity = Math.max(minQuantity, Math.round(Math.min(usual, params.MaxQuantity / TRADES_OF_MAX_NOTIONAL)));
  return [{ id, price, quantity, tickStep: params.TickStep, lotStep: params.LotStep, minQuantity }];
}
