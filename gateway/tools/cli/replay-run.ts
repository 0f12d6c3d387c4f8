import { build, type Histogram } from 'hdr-histogram-js';
import { Code, codeName } from '../../../engine/codes.ts';
import { Refusal, Report, ReportKind, Side, TimeInForce } from '../../../engine/wire/layout.ts';
import { ReportFlag } from '../../../engine/wire/names.ts';
import type { ReportFrameReader } from '../../../engine/wire/report-frames.ts';
import type { NewRow, OrderRow, UncrossRow } from '../../../feeds/files/order-flow-csv.ts';
import { CommandBatch, type OrderSession, type SymbolUnits } from '../../client/index.ts';
import { CliError, ExitCode } from './exit.ts';
import type { ReplayCheck, ReplayTrade } from './replay-check.ts';
import { asInFile, milliTicks } from './replay-venue.ts';

/** Maximum unanswered commands: enough to keep the exchange busy, far below its command ring, so that no command is rejected. */
export const WINDOW = 1024;
/** Of a histogram of answer times, microseconds: up to an hour. */
export const LATENCY_RANGE = { highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: 3 } as const;
/** A nonexistent order id: the reject arrives after all reports of earlier commands. */
const NO_ORDER = Number.MAX_SAFE_INTEGER;
const ANSWER_TIMEOUT_MS = 30_000;

export interface ReplayActions {
  readonly setPhase: (phase: 'auction' | 'continuous' | 'closed') => Promise<void>;
  /** The exchange's price and volume; 0 and 0 when nothing traded. */
  readonly uncross: () => Promise<{ readonly price: number; readonly volume: number }>;
}

export interface ReplayOptions {
  readonly session: OrderSession;
  readonly symbol: SymbolUnits;
  readonly actions: ReplayActions;
  readonly check: ReplayCheck;
  /** Maximum commands per frame. */
  readonly batch: number;
}

/**
 * Sends the rows of a recorded day in order, and checks the reports.
 * File order ids are the client order ids, a command's tag is its number.
 */
export class Replay {
  orders = 0;
  cancels = 0;
  /** Time from sending, or from the due time if earlier, to the answer; microseconds. */
  readonly latencyUs: Histogram = build(LATENCY_RANGE);
  readonly #options: ReplayOptions;
  readonly #batch: CommandBatch;
  readonly #sentAt = new Float64Array(WINDOW * 2);
  /** Recorded times of the commands, as the one above. */
  readonly #recordedMs = new Float64Array(WINDOW * 2);
  #rowMs = 0;
  #sent = 0;
  #answered = 0;
  /** The maker's half of a trade, until the taker's half follows. */
  #makerId = 0;
  #makerTrade = 0;
  readonly #auctionHalves = new Map<number, ReplayTrade>();
  #auction: ReplayTrade[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(options: ReplayOptions) {
    const { session } = options;
    this.#options = options;
    this.#batch = new CommandBatch(options.batch);
    session.onFrame = (frame) => this.#onFrame(frame);
    session.on('drain', () => this.#wake?.());
    session.on('closed', (error) => this.#fail(error ?? new CliError('the exchange closed the session', ExitCode.Unreachable)));
  }

  /** Sends a row, or does what it says. @param due when it is to be sent, of performance.now(); Infinity = now */
  async do(row: OrderRow, due: number): Promise<void> {
    this.#rowMs = row.timeMs;
    await this.#do(row, due);
  }

  /** Sends what waits for a full frame. @returns false if the connection takes no more now */
  flush(): boolean {
    return this.#batch.count === 0 || this.#options.session.send(this.#batch);
  }

  /** A command of a row before a time is not answered. @param timeMs recorded milliseconds */
  lags(timeMs: number): boolean {
    return this.#answered < this.#sent && this.#recordedMs[(this.#answered + 1) % this.#recordedMs.length] < timeMs;
  }

  /** Resolves when it no longer lags. */
  async caughtUp(timeMs: number): Promise<void> {
    if (this.lags(timeMs)) await this.#until(() => !this.lags(timeMs));
  }

  /** Resolves when all commands are answered. Call it after the last row. */
  async finish(): Promise<void> {
    await this.#barrier();
  }

  async #do(row: OrderRow, due: number): Promise<void> {
    const { symbol, actions, check } = this.#options;
    switch (row.op) {
      case 'new':
        this.orders++;
        this.#note(due);
        this.#place(row);
        return await this.#afterCommand();
      case 'cancel':
        this.cancels++;
        this.#note(due);
        this.#batch.cancel(symbol.id, row.orderId, 0, this.#sent);
        return await this.#afterCommand();
      case 'phase':
        await this.#barrier();
        return await actions.setPhase(row.phase);
      case 'uncross': {
        await this.#barrier();
        const { price, volume } = await actions.uncross();
        await this.#barrier();
        this.#checkUncross(row, price, volume);
        check.onAuction(price, volume, this.#auction);
        this.#auction = [];
      }
    }
  }

  #place({ side, orderId, priceMilli, quantity }: NewRow): void {
    const { symbol } = this.#options;
    const price = milliTicks(symbol, priceMilli);
    const wireSide = side === 'B' ? Side.Buy : Side.Sell;
    this.#batch.place(symbol.id, wireSide, TimeInForce.GoodTillCancel, price, symbol.lots(quantity), orderId, this.#sent);
  }

  #checkUncross({ line, priceMilli, quantity }: UncrossRow, price: number, volume: number): void {
    const { symbol, check } = this.#options;
    const expectedPrice = milliTicks(symbol, priceMilli);
    const expectedVolume = symbol.lots(quantity);
    if (price === expectedPrice && volume === expectedVolume) return;
    check.differ(`orders line ${line}: the auction ended at ${asInFile(symbol, volume, price)}, expected ${quantity}@${priceMilli}`);
  }

  /** Numbers the next command and records its time. */
  #note(due: number): void {
    this.#recordedMs[++this.#sent % this.#recordedMs.length] = this.#rowMs;
    this.#sentAt[this.#sent % this.#sentAt.length] = Math.min(due, performance.now());
  }

  async #afterCommand(): Promise<void> {
    if (this.#batch.full && !this.flush()) await this.#until(() => true);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#sent - this.#answered >= WINDOW) await this.#until(() => this.#sent - this.#answered < WINDOW / 2);
  }

  /** Resolves when all reports of all sent commands have arrived. */
  async #barrier(): Promise<void> {
    this.#note(Number.NaN);
    if (this.#batch.full) this.flush();
    this.#batch.cancel(this.#options.symbol.id, NO_ORDER, 0, this.#sent);
    this.flush();
    await this.#until(() => this.#answered === this.#sent);
  }

  /** Waits until a condition holds; checked after each frame. */
  async #until(done: () => boolean): Promise<void> {
    const late = setTimeout(
      () => this.#fail(new CliError('the exchange has not answered for 30 s; check /health/ready', ExitCode.Unreachable)),
      ANSWER_TIMEOUT_MS,
    );
    try {
      do {
        if (this.#failure !== undefined) throw this.#failure;
        this.flush();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } while (!done());
    } finally {
      clearTimeout(late);
      this.#wake = undefined;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  #onFrame(frame: ReportFrameReader): void {
    for (let i = 0; i < frame.reports; i++) this.#onReport(frame, frame.reportsAt + i * Report.bytes);
    if (frame.refusals > 0) {
      const code = codeName(frame.flat.u16(frame.refusalsAt + Refusal.code));
      this.#fail(
        new CliError(`the exchange rejected a command: ${code}; later commands would be out of order, so the replay ends`, ExitCode.Failed),
      );
    }
    this.#wake?.();
  }

  #onReport({ flat }: ReportFrameReader, at: number): void {
    const kind = flat.u8(at + Report.kind);
    if (kind === ReportKind.Fill) return this.#onFill(flat, at);
    const number = flat.u32(at + Report.tag);
    const clientOrderId = flat.u53(at + Report.clientOrderId);
    const code = flat.u16(at + Report.code);
    this.#answered++;
    const sentAt = this.#sentAt[number % this.#sentAt.length];
    if (!Number.isNaN(sentAt)) this.latencyUs.recordValue(Math.max(1, Math.round((performance.now() - sentAt) * 1000)));
    if (number !== this.#answered >>> 0) this.#options.check.differ(`command ${this.#answered}: the answer to ${number} came`);
    if (code === Code.CLIENT_ORDER_ID_REUSED) this.#options.check.differ(`order id ${clientOrderId} came twice, with other terms`);
    else if (kind === ReportKind.Rejected) this.#options.check.differ(`order ${clientOrderId} was rejected: ${codeName(code)}`);
    else if (kind === ReportKind.CancelRejected && !Number.isNaN(sentAt))
      this.#options.check.differ(`cancel of ${clientOrderId} was rejected: ${codeName(code)}`);
    else if ((flat.u8(at + Report.flags) & ReportFlag.Duplicate) !== 0) this.#options.check.differ(`order id ${clientOrderId} came twice`);
  }

  #onFill(flat: ReportFrameReader['flat'], at: number): void {
    const own = flat.u53(at + Report.clientOrderId);
    const price = flat.u53(at + Report.price);
    const quantity = flat.u53(at + Report.quantity);
    const tradeId = flat.u53(at + Report.tradeId);
    const bought = flat.u8(at + Report.side) === Side.Buy;
    const flags = flat.u8(at + Report.flags);
    if ((flags & ReportFlag.Auction) !== 0) {
      const half = this.#auctionHalves.get(tradeId);
      if (half === undefined) this.#auctionHalves.set(tradeId, pair(bought, own, 0, price, quantity));
      else {
        this.#auctionHalves.delete(tradeId);
        this.#auction.push(pair(bought, own, bought ? half.sellOrderId : half.buyOrderId, price, quantity));
      }
    } else if ((flags & ReportFlag.Maker) !== 0) {
      this.#makerId = own;
      this.#makerTrade = tradeId;
    } else {
      if (this.#makerTrade !== tradeId) this.#options.check.differ(`trade ${tradeId}: the taker's fill came without the maker's`);
      this.#options.check.onContinuousTrade(pair(bought, own, this.#makerId, price, quantity));
    }
  }
}

function pair(bought: boolean, own: number, other: number, price: number, quantity: number): ReplayTrade {
  return bought ? { buyOrderId: own, sellOrderId: other, price, quantity } : { buyOrderId: other, sellOrderId: own, price, quantity };
}
