import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandFields, encodeCommand } from '../../engine/machine/command.ts';
import { Engine } from '../../engine/threads/engine.ts';
import { CommandKind, Phase, Side, TimeInForce } from '../../engine/wire/layout.ts';
import type { Prng } from '../../feeds/simulator/prng.ts';
import { MarketClient, type MarketOptions } from '../../gateway/client/market.ts';
import { SymbolCatalog } from '../../gateway/client/symbols.ts';
import { MarketSockets, type MarketSocketsOptions } from '../../gateway/endpoints/websocket/market-sockets.ts';
import { MarketData, type MarketDataOptions } from '../../gateway/market/market-data.ts';
import { EVERYBODY } from './everybody.ts';

type Options = Partial<MarketDataOptions & MarketSocketsOptions>;

const LIMITS = {
  orders: 2 ** 14,
  pages: 1024,
  accounts: 64,
  assets: 8,
  symbols: 16,
  rememberedOrders: 2 ** 14,
  commandRing: 2 ** 13,
  reportRing: 2 ** 14,
  marketRing: 2 ** 14,
};
const USD = 1;
const BTC = 2;
export const ACCOUNTS = 4;

/** A real engine in a separate directory, with market data on a free port, driven through the sequencer. */
export class MarketVenue {
  engine: Engine;
  market: MarketData;
  #sockets: MarketSockets;
  port = 0;
  readonly #dir = mkdtempSync(join(tmpdir(), 'openbell-market-'));
  readonly #clients: MarketClient[] = [];
  #clientOrderId = 0;

  readonly #options: Options;

  private constructor(options: Options) {
    this.#options = options;
    [this.engine, this.market, this.#sockets] = this.#build();
  }

  #build(): [Engine, MarketData, MarketSockets] {
    const engine = new Engine({ dir: this.#dir, topology: 'compact', durability: 'fast', limits: LIMITS });
    const market = new MarketData({ orders: LIMITS.orders, ...this.#options }, engine.directory);
    engine.onMarket(market);
    // There is no history here: its end of the report ring is drained, because the engine would wait for it.
    const history = engine.consume('reports', 'history');
    const forget = () => {
      while (history.next() !== -1);
      history.release();
    };
    engine.onReports({ onReport: () => undefined, onReportsEnd: forget });
    return [engine, market, new MarketSockets(market, { identity: EVERYBODY, ...this.#options })];
  }

  /** @param symbols how many, named S1, S2 ... */
  static async start(symbols: number, options: Options = {}, port = 0): Promise<MarketVenue> {
    const venue = new MarketVenue(options);
    await venue.engine.start();
    venue.do({ kind: CommandKind.DefineAsset, symbol: USD, tag: 5, name: 'USD' });
    venue.do({ kind: CommandKind.DefineAsset, symbol: BTC, tag: 3, name: 'BTC' });
    for (let account = 1; account <= ACCOUNTS; account++) {
      venue.do({ kind: CommandKind.DefineAccount, account, name: `a${account}` });
      for (const asset of [USD, BTC]) venue.do({ kind: CommandKind.Deposit, account, symbol: asset, quantity: 2 ** 50 });
    }
    for (let symbol = 1; symbol <= symbols; symbol++) venue.defineSymbol(symbol);
    await venue.quiet();
    venue.port = await venue.#sockets.listen('127.0.0.1', port);
    return venue;
  }

  defineSymbol(symbol: number): void {
    const name = `S${symbol}`;
    this.do({
      kind: CommandKind.DefineSymbol,
      symbol,
      account: BTC,
      tag: USD,
      side: 2,
      timeInForce: 3,
      clientOrderId: 1,
      orderId: 1,
      name,
    });
    this.phase(symbol, Phase.Continuous);
  }

  phase(symbol: number, parameter: number): void {
    this.do({ kind: CommandKind.SetPhase, symbol, parameter });
  }

  /** Sequences one command. */
  do(fields: CommandFields): void {
    const { sequencer } = this.engine;
    const slot = sequencer.claim();
    if (slot === -1) throw new Error('the command ring is full');
    encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, fields);
    sequencer.stamp(slot);
    sequencer.publish();
    this.engine.schedule();
  }

  place(
    account: number,
    symbol: number,
    side: number,
    price: number,
    quantity: number,
    timeInForce: number = TimeInForce.GoodTillCancel,
  ): number {
    const clientOrderId = ++this.#clientOrderId;
    this.do({ kind: CommandKind.New, account, symbol, side, price, quantity, timeInForce, clientOrderId });
    return clientOrderId;
  }

  /**
   * One random command around a price of 1000: mostly new orders, many cancels and amends, now and then an order that trades deep.
   * Cancels and amends name no symbol, because the order may be of another one.
   */
  random(prng: Prng, symbol: number): void {
    const account = 1 + prng.below(ACCOUNTS);
    const dice = prng.below(100);
    const known = Math.max(1, this.#clientOrderId - prng.below(400));
    const side = prng.below(2);
    // Buys around 990, sells around 1010: they overlap, so some trade on arrival.
    const price = 1000 + (side === 0 ? -10 : 10) + prng.below(31) - 15;
    if (dice < 55) this.place(account, symbol, side, price, 1 + prng.below(20));
    else if (dice < 80) this.do({ kind: CommandKind.Cancel, account, clientOrderId: known });
    else if (dice < 92) this.do({ kind: CommandKind.Amend, account, clientOrderId: known, price, quantity: 1 + prng.below(20) });
    else this.place(account, symbol, side, side === 0 ? 1020 : 980, 1 + prng.below(60), TimeInForce.ImmediateOrCancel);
  }

  /** Random commands, in bursts, so that there are events of many flushes. */
  async load(prng: Prng, commands: number, symbols: number): Promise<void> {
    for (let done = 0; done < commands; ) {
      await this.#room();
      const burst = Math.min(1 + prng.below(200), commands - done);
      for (let i = 0; i < burst; i++) this.random(prng, 1 + prng.below(symbols));
      done += burst;
      if (prng.below(4) === 0) await sleep(1);
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Fills a book with 6000 orders far from where the random ones trade. */
  async fill(symbol: number): Promise<void> {
    for (let i = 0; i < 6000; i++) {
      const side = i % 2;
      const price = side === Side.Buy ? 800 - (i % 300) : 1200 + (i % 300);
      this.place(1 + (i % ACCOUNTS), symbol, side, price, 1 + (i % 7));
      if (i % 500 === 499) await this.#room();
    }
  }

  /** Trades everything away, in two commands. */
  async sweep(symbol: number): Promise<void> {
    this.place(1, symbol, Side.Buy, 1600, 100_000, TimeInForce.ImmediateOrCancel);
    this.place(1, symbol, Side.Sell, 400, 100_000, TimeInForce.ImmediateOrCancel);
    await this.quiet();
  }

  /** Resolves when the command ring has room again: the disk may be behind. */
  async #room(): Promise<void> {
    while (this.engine.status().commandDepth > LIMITS.commandRing / 2) await sleep(1);
  }

  /** Resolves when the engine has done everything and market data has heard of it. */
  async quiet(): Promise<void> {
    for (;;) {
      const { sequencedSeq, appliedSeq, marketDepth } = this.engine.status();
      if (appliedSeq === sequencedSeq && marketDepth === 0) return;
      await sleep(1);
    }
  }

  /** Stops it and starts it again on the same port, from the data on the disk. Only if it was started on an explicit port: Linux does not reassign a port chosen by port 0 at once. */
  async restart(): Promise<void> {
    await this.engine.stop({ snapshot: false });
    await this.#sockets.stop();
    [this.engine, this.market, this.#sockets] = this.#build();
    await this.engine.start();
    await this.quiet();
    await this.#sockets.listen('127.0.0.1', this.port);
  }

  client(options: Partial<MarketOptions> = {}): MarketClient {
    const definitions = this.engine.directory.symbols().map(({ id, name }) => ({ id, name, tickSize: '0.01', lotSize: '0.001' }));
    const client = new MarketClient({ port: this.port, symbols: new SymbolCatalog(definitions), ...options });
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.#sockets.stop();
    await this.engine.stop({ snapshot: false });
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
