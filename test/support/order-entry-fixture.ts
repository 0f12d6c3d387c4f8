import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { codeName } from '../../engine/codes.ts';
import { type CommandFields, encodeCommand } from '../../engine/machine/command.ts';
import { Engine } from '../../engine/threads/engine.ts';
import type { EngineOptions } from '../../engine/threads/engine-options.ts';
import { CommandKind, Phase, Report, ReportKind } from '../../engine/wire/layout.ts';
import { ReportFrameReader } from '../../engine/wire/report-frames.ts';
import type { OrderSession } from '../../gateway/client/order-session.ts';
import { viewRefusal, viewReport } from '../../gateway/client/report-view.ts';
import { SymbolCatalog } from '../../gateway/client/symbols.ts';
import type { RefusalView, ReportView, SymbolDefinition } from '../../gateway/client/types.ts';
import { OrderEntry } from '../../gateway/endpoints/grpc/order-entry.ts';
import { createLogger } from '../../gateway/log.ts';
import { DropCopies, type DropCopiesOptions } from '../../gateway/sessions/drop-copies.ts';
import { OrderSessions, type OrderSessionsOptions } from '../../gateway/sessions/order-sessions.ts';
import { ReportHub } from '../../gateway/sessions/report-hub.ts';
import { Slices } from '../../gateway/slices.ts';
import { History } from '../../gateway/taps/history/history.ts';
import { AdminCommands } from '../../gateway/venue/admin-commands.ts';
import { cancelSession } from '../../gateway/venue/venue-commands.ts';
import { EVERYBODY } from './everybody.ts';
import { grpcSession } from './grpc-session.ts';

const USD = 1;
const BTC = 2;
export const SYMBOLS: readonly SymbolDefinition[] = [{ id: 1, name: 'BTC-USD', tickSize: '0.01', lotSize: '0.001', quoteDecimals: 6 }];
export const ACCOUNTS = 4;

export interface ExchangeOptions {
  readonly dir?: string;
  readonly engine?: Partial<EngineOptions>;
  readonly entry?: Partial<OrderSessionsOptions>;
  readonly dropCopies?: Partial<DropCopiesOptions>;
  /** Age from which the history removes reports, microseconds. */
  readonly keepUs?: number;
  /** Reports that the hub keeps. */
  readonly retained?: number;
}

/** Engine, journal, history and order entry as in the process, with a separate directory and port. */
export class TestExchange {
  readonly engine: Engine;
  readonly hub: ReportHub;
  readonly history: History;
  readonly entry: OrderEntry;
  readonly sessions: OrderSessions;
  readonly dropCopies: DropCopies;
  readonly dir: string;
  port = 0;

  private constructor(
    dir: string,
    engine: Engine,
    hub: ReportHub,
    history: History,
    sessions: OrderSessions,
    dropCopies: DropCopies,
    entry: OrderEntry,
  ) {
    this.dir = dir;
    this.engine = engine;
    this.hub = hub;
    this.history = history;
    this.sessions = sessions;
    this.dropCopies = dropCopies;
    this.entry = entry;
  }

  /** A new exchange with one symbol and four funded accounts; with a directory, the exchange stored in it. */
  static async start(options: ExchangeOptions = {}): Promise<TestExchange> {
    const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'openbell-order-entry-'));
    const limits = { accounts: 64, assets: 8, symbols: 8, orders: 2 ** 17, rememberedOrders: 2 ** 16, pages: 2 ** 10 };
    const engine = new Engine({ dir, topology: 'compact', limits, snapshotEvery: 0, historySeq: 0, ...options.engine });
    const history = await History.start({
      dataDir: dir,
      reports: engine.tap('reports', 'history'),
      durable: engine.durable,
      ...(options.keepUs !== undefined && { keepUs: options.keepUs }),
    });
    const hub = new ReportHub({
      archive: history,
      lastReportNo: (account) => engine.directory.lastReportNo(account),
      retained: options.retained ?? 2 ** 12,
    });
    engine.onReports(hub);
    engine.onMarket({ onMarketEvent: () => undefined, onMarketEnd: () => undefined });
    await engine.start();
    const commands = new AdminCommands(engine.sequencer, hub, engine.schedule);
    const sessions = new OrderSessions({
      sequencer: engine.sequencer,
      hub,
      accountExists: (account) => engine.directory.accountExists(account),
      onPublished: engine.schedule,
      turns: engine,
      identity: EVERYBODY,
      cancelSession: async (account, session) => (await commands.submit(cancelSession(account, session))).code,
      log: createLogger('silent'),
      ...options.entry,
    });
    const dropCopies = new DropCopies({
      hub,
      archiveOf: (caller) => history.archiveOf(caller),
      accountExists: (account) => engine.directory.accountExists(account),
      identity: EVERYBODY,
      audit: sessions.audit,
      slices: new Slices(),
      draining: () => sessions.intake.draining,
      nowUs: () => engine.sequencer.nowUs(),
      ...options.dropCopies,
    });
    const entry = new OrderEntry({ host: '127.0.0.1', port: 0, identity: EVERYBODY });
    const exchange = new TestExchange(dir, engine, hub, history, sessions, dropCopies, entry);
    if (options.dir === undefined) await exchange.#define();
    exchange.port = await entry.listen();
    entry.serve(sessions, dropCopies);
    return exchange;
  }

  /** Sends an administrative command and waits for its answer. */
  async administer(fields: CommandFields): Promise<void> {
    const { sequencer } = this.engine;
    const slot = sequencer.claim();
    encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, fields);
    const answer = this.hub.awaitSeq(sequencer.stamp(slot));
    sequencer.publish();
    this.engine.schedule();
    const report = await answer;
    assert.equal(report[Report.kind], ReportKind.Accepted, `${JSON.stringify(fields)}: ${codeName(report[4] + report[5] * 256)}`);
  }

  client(
    account: number,
    options: { lastReport?: number; reconnect?: boolean; cancelOnDisconnect?: number; sessionNumber?: number } = {},
  ): OrderSession {
    const { lastReport, reconnect = true, ...others } = options;
    const symbols = new SymbolCatalog(SYMBOLS);
    return grpcSession({ host: '127.0.0.1', port: this.port, account, lastReport, reconnect, symbols, ...others });
  }

  drain(): void {
    this.sessions.drain();
    this.entry.health.serving = false;
  }

  async stop(options: { keep?: boolean } = {}): Promise<void> {
    this.drain();
    this.sessions.end();
    this.dropCopies.end();
    await this.entry.stop(2000);
    await this.engine.stop({ snapshot: false });
    await this.history.stop();
    if (options.keep !== true) rmSync(this.dir, { recursive: true, force: true });
  }

  async #define(): Promise<void> {
    const { DefineAsset, DefineSymbol, SetPhase, DefineAccount, Deposit } = CommandKind;
    await this.administer({ kind: DefineAsset, symbol: USD, tag: 6, name: 'USD' });
    await this.administer({ kind: DefineAsset, symbol: BTC, tag: 6, name: 'BTC' });
    await this.administer({
      kind: DefineSymbol,
      symbol: 1,
      account: BTC,
      tag: USD,
      side: 2,
      timeInForce: 3,
      clientOrderId: 1,
      orderId: 1,
      name: 'BTC-USD',
    });
    await this.administer({ kind: SetPhase, symbol: 1, parameter: Phase.Continuous });
    for (let account = 1; account <= ACCOUNTS; account++) {
      await this.administer({ kind: DefineAccount, account, name: `A${account}` });
      for (const asset of [USD, BTC]) await this.administer({ kind: Deposit, account, symbol: asset, quantity: 2 ** 50 });
    }
  }
}

const raw = (bytes: Buffer): Buffer => bytes;

export function rawClient(port: number): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 });
}

/** A stream that sends any bytes and reads only on request, unlike a correct client. */
export class RawSession {
  readonly reports: ReportView[] = [];
  readonly refusals: RefusalView[] = [];
  /** The status that the call ended with. */
  readonly ended: Promise<{ code: number; details: string }>;
  /** The session is open: its headers came. */
  readonly opened: Promise<string>;
  frames = 0;
  readonly #client: Client;
  readonly #shared: boolean;
  readonly #reader = new ReportFrameReader();
  readonly call;

  /** @param client a client whose connection is shared, instead of a new connection */
  constructor(port: number, headers: Record<string, string>, client?: Client) {
    this.#client = client ?? rawClient(port);
    this.#shared = client !== undefined;
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    this.call = this.#client.makeBidiStreamRequest('/openbell.OrderEntry/Session', raw, raw, metadata);
    this.ended = new Promise((resolve) => this.call.once('status', resolve));
    this.opened = new Promise((resolve) =>
      this.call.once('metadata', (received: Metadata) => resolve(String(received.get('x-openbell-last-report')[0]))),
    );
    this.call.on('error', () => undefined);
  }

  read(): void {
    const symbols = new SymbolCatalog(SYMBOLS);
    this.call.on('data', (bytes: Buffer) => {
      const reader = this.#reader;
      assert.equal(codeName(reader.open(bytes)), 'OK');
      this.frames++;
      for (let i = 0; i < reader.reports; i++) this.reports.push(viewReport(reader.flat, reader.reportsAt + i * 128, symbols));
      for (let i = 0; i < reader.refusals; i++) this.refusals.push(viewRefusal(reader.flat, reader.refusalsAt + i * 32));
    });
  }

  send(bytes: Uint8Array): void {
    this.call.write(Buffer.from(bytes));
  }

  close(): void {
    this.call.cancel();
    if (!this.#shared) this.#client.close();
  }
}

export { until } from './until.ts';
