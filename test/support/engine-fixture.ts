import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Limits } from '../../engine/limits.ts';
import { type CommandFields, encodeCommand } from '../../engine/machine/command.ts';
import { Engine } from '../../engine/threads/engine.ts';
import type { Recovery } from '../../engine/threads/engine-core.ts';
import type { EngineOptions } from '../../engine/threads/engine-options.ts';
import { CommandFlag, type ExtensionFields, encodeExtension } from '../../engine/wire/command-extension.ts';
import { CommandKind, Phase, Side } from '../../engine/wire/layout.ts';
import { MarketEventKind, MarketEventView } from '../../engine/wire/market-event.ts';
import { decodeReport, type ReportFields } from './exchange-fixture.ts';

export const ENGINE_LIMITS: Partial<Limits> = {
  orders: 2 ** 14,
  pages: 2 ** 12,
  accounts: 64,
  assets: 8,
  symbols: 8,
  rememberedOrders: 2 ** 14,
};

/** A temporary directory, removed when the test ends. */
export function temporaryDirectory(after: (cleanUp: () => void) => void): string {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-test-'));
  after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The number of market events, and the last published indicative price. */
interface MarketEvents {
  count: number;
  indicativePrice: number;
}

/** A running engine whose reports are collected; a second consumer takes the place of the history writer, and keeps up. */
export class RunningEngine {
  readonly engine: Engine;
  readonly recovery: Recovery;
  readonly reports: ReportFields[];
  readonly marketEvents: MarketEvents;
  readonly #historyStopped: Int32Array;

  constructor(engine: Engine, recovery: Recovery, reports: ReportFields[], marketEvents: MarketEvents, historyStopped: Int32Array) {
    this.engine = engine;
    this.recovery = recovery;
    this.reports = reports;
    this.marketEvents = marketEvents;
    this.#historyStopped = historyStopped;
  }

  static async start(options: EngineOptions): Promise<RunningEngine> {
    const engine = new Engine({ snapshotEvery: 0, limits: ENGINE_LIMITS, ...options });
    const reports: ReportFields[] = [];
    const marketEvents = { count: 0, indicativePrice: 0 };
    const event = new MarketEventView();
    engine.onReports({ onReport: (slots, slot) => reports.push(decodeReport(slots.i32, slot)), onReportsEnd: () => undefined });
    engine.onMarket({
      onMarketEvent: (slots, slot) => {
        marketEvents.count++;
        const { kind, price } = event.wrap(slots, slot);
        if (kind === MarketEventKind.Indicative) marketEvents.indicativePrice = price;
      },
      onMarketEnd: () => undefined,
    });
    const stopped = new Int32Array(new SharedArrayBuffer(4));
    new Worker(new URL('./report-drain.ts', import.meta.url), { workerData: { tap: engine.tap('reports', 'history'), stop: stopped } });
    try {
      return new RunningEngine(engine, await engine.start(), reports, marketEvents, stopped);
    } catch (error) {
      Atomics.store(stopped, 0, 1);
      throw error;
    }
  }

  /** False: the ring was full. */
  send(fields: CommandFields): boolean {
    const { sequencer } = this.engine;
    const slot = sequencer.claim();
    if (slot === -1) return false;
    encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, fields);
    sequencer.stamp(slot);
    sequencer.publish();
    this.engine.schedule();
    return true;
  }

  /** Sends a command with an extension. The ring must have room for both. */
  sendLong(fields: CommandFields, extension: ExtensionFields): void {
    const { sequencer } = this.engine;
    const [first, second] = [sequencer.claim(), sequencer.claim()];
    encodeExtension(sequencer.slots.u8, sequencer.slots.i32, first, extension);
    encodeCommand(sequencer.slots.u8, sequencer.slots.i32, second, { ...fields, parameter: CommandFlag.Extended });
    for (const slot of [first, second]) sequencer.stamp(slot);
    sequencer.publish();
    this.engine.schedule();
  }

  async stop(snapshot = true): Promise<string | undefined> {
    try {
      return await this.engine.stop({ snapshot });
    } finally {
      Atomics.store(this.#historyStopped, 0, 1);
    }
  }
}

/** Definitions of one symbol and `accounts` rich accounts. */
export function* venue(accounts: number): Generator<CommandFields> {
  yield { kind: CommandKind.DefineAsset, symbol: 1, tag: 5, name: 'USD' };
  yield { kind: CommandKind.DefineAsset, symbol: 2, tag: 3, name: 'BTC' };
  yield {
    kind: CommandKind.DefineSymbol,
    symbol: 1,
    account: 2,
    tag: 1,
    side: 2,
    timeInForce: 3,
    clientOrderId: 1,
    orderId: 1,
    name: 'BTC-USD',
  };
  yield { kind: CommandKind.SetPhase, symbol: 1, parameter: Phase.Continuous };
  for (let account = 1; account <= accounts; account++) {
    yield { kind: CommandKind.DefineAccount, account, name: `a${account}` };
    yield { kind: CommandKind.Deposit, account, symbol: 1, quantity: 1e12 };
    yield { kind: CommandKind.Deposit, account, symbol: 2, quantity: 1e9 };
  }
}

/** Orders that rest, trade and are cancelled, in turn; the same for the same numbers. */
export function* orders(from: number, count: number, accounts: number): Generator<CommandFields> {
  for (let i = from; i < from + count; i++) {
    const account = 1 + (i % accounts);
    if (i % 3 === 2) yield { kind: CommandKind.Cancel, account: 1 + ((i - 2) % accounts), clientOrderId: i - 1 };
    else {
      const price = 10_000 + ((i * 7919) % 50) - 25;
      yield {
        kind: CommandKind.New,
        account,
        clientOrderId: i + 1,
        symbol: 1,
        side: i & 1 ? Side.Sell : Side.Buy,
        price,
        quantity: 1 + (i % 9),
      };
    }
  }
}
