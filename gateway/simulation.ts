import { Code } from '../engine/codes.ts';
import { encodeCommand } from '../engine/command.ts';
import type { Directory } from '../engine/directory.ts';
import type { Sequencer } from '../engine/sequencer.ts';
import { CommandKind, Phase } from '../engine/wire/layout.ts';
import { GAP_UNIT, Simulator } from '../feeds/simulator.ts';
import type { SimulatorConfig } from './config-file.ts';

const TICK_MS = 10;
/** Commands of one tick at most: after a stall the simulation goes on, it does not catch up in one burst. */
const MAX_BURST = 1024;
/** A trade of about so much of the quote asset is the usual one. */
const USUAL_NOTIONAL = 2000;

/**
 * Live order flow from the configured accounts, through the same door as every
 * other command. I/O thread only.
 */
export class Simulation {
  sent = 0;
  /** Commands that found the ring full or the door closed, and were left out. */
  skipped = 0;
  readonly #sequencer: Sequencer;
  readonly #onPublished: () => void;
  readonly #simulator: Simulator;
  readonly #rate: number;
  readonly #timer: NodeJS.Timeout;
  /** When the next command is due, ms. */
  #due = performance.now();

  /** Starts at once. Orders that a simulation before it left behind are cancelled: this one does not know them. */
  constructor(config: SimulatorConfig, directory: Directory, sequencer: Sequencer, onPublished: () => void) {
    this.#sequencer = sequencer;
    this.#onPublished = onPublished;
    this.#rate = config.rate;
    this.#simulator = new Simulator({
      seed: config.seed,
      makers: config.makers,
      takers: config.takers,
      symbols: simulatedSymbols(directory),
      firstClientOrderId: Date.now() * 1000,
    });
    this.#cancelLeftovers([...config.makers, ...config.takers], directory);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const { slots } = this.#sequencer;
    const now = performance.now();
    if (now - this.#due > 1000) this.#due = now;
    for (let burst = 0; this.#due <= now && burst < MAX_BURST; burst++) {
      const slot = this.#claim();
      if (slot === -1) break;
      this.#simulator.next(slots, slot);
      this.#sequencer.stamp(slot);
      this.sent++;
      this.#due += ((this.#simulator.gap / GAP_UNIT) * 1000) / this.#rate;
    }
    this.#publish();
  }

  #claim(): number {
    const slot = this.#sequencer.refusal() === Code.OK ? this.#sequencer.claim() : -1;
    if (slot === -1) this.skipped++;
    return slot;
  }

  #publish(): void {
    this.#sequencer.publish();
    this.#onPublished();
  }

  #cancelLeftovers(accounts: readonly number[], directory: Directory): void {
    for (const account of accounts) {
      for (const { orderId, symbol, side } of directory.openOrders(account, directory.account(account)?.openOrders ?? 0)) {
        const slot = this.#claim();
        if (slot === -1) break;
        encodeCommand(this.#sequencer.slots.u8, this.#sequencer.slots.i32, slot, {
          kind: CommandKind.Cancel,
          account,
          symbol,
          side,
          orderId,
        });
        this.#sequencer.stamp(slot);
      }
    }
    this.#publish();
  }
}

/** Symbols that trade continuously and have a price to start from. */
function simulatedSymbols(directory: Directory) {
  return directory
    .symbols()
    .filter(({ phase, referencePrice }) => phase === Phase.Continuous && referencePrice >= 50)
    .map(({ id, params, referencePrice, quotePerTickLot, quoteAsset }) => {
      const perLot = referencePrice * quotePerTickLot;
      const usual = Math.round((USUAL_NOTIONAL * 10 ** quoteAsset.decimals) / perLot);
      const quantity = Math.max(1, params.LotStep, params.MinQuantity, Math.min(usual, Math.floor(params.MaxQuantity / 256)));
      return { id, price: referencePrice, quantity, tickStep: params.TickStep, lotStep: params.LotStep };
    });
}
