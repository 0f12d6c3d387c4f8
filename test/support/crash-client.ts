import assert from 'node:assert/strict';
import { Code } from '../../engine/codes.ts';
import { OrderType, Refusal, Report, ReportKind } from '../../engine/wire/layout.ts';
import { ReportFlag } from '../../engine/wire/names.ts';
import type { ReportFrameReader } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import type { Prng } from '../../feeds/simulator/prng.ts';
import { CommandBatch, connect, type OpenbellClient } from '../../gateway/client/index.ts';
import { CrashMix, type SentOrder, SYMBOL } from './crash-mix.ts';
import type { ExchangeProcess } from './exchange-process.ts';

const WINDOW = 600;
const LATE_MS = 60_000;
/** Until a fence that was rejected is sent again. */
const REFUSED_MS = 50;
const WORDS = Report.bytes / 4;
/** Orders of a list. */
const LIST = 3;

/** What two answers to the same client order id have in common. */
const SAME_ORDER = ['kind', 'code', 'orderId'] as const;
const SAME_ANSWER = [...SAME_ORDER, 'price', 'quantity'] as const;

/** An order that is rejected with them can be sent again, and is new then. */
const UNKEPT: ReadonlySet<number> = new Set([Code.TRAIL_UNAVAILABLE, Code.ORDERS_EXPIRING]);

const view = new ReportView();

/** Fields of a kept report, by name. */
export const field = {
  kind: (report: Int32Array) => view.wrap(report, 0).kind,
  flags: (report: Int32Array) => view.wrap(report, 0).flags,
  code: (report: Int32Array) => view.wrap(report, 0).code,
  tag: (report: Int32Array) => view.wrap(report, 0).tag,
  no: (report: Int32Array) => view.wrap(report, 0).reportNo,
  timeUs: (report: Int32Array) => view.wrap(report, 0).timeUs,
  seq: (report: Int32Array) => view.wrap(report, 0).seq,
  orderId: (report: Int32Array) => view.wrap(report, 0).orderId,
  clientOrderId: (report: Int32Array) => view.wrap(report, 0).clientOrderId,
  price: (report: Int32Array) => view.wrap(report, 0).price,
  quantity: (report: Int32Array) => view.wrap(report, 0).quantity,
  side: (report: Int32Array) => view.wrap(report, 0).side,
  stopPrice: (report: Int32Array) => view.wrap(report, 0).stopPrice,
  trigger: (report: Int32Array) => view.wrap(report, 0).trigger,
  leaves: (report: Int32Array) => view.wrap(report, 0).leaves,
  filled: (report: Int32Array) => view.wrap(report, 0).filled,
  tradeId: (report: Int32Array) => view.wrap(report, 0).tradeId,
  contra: (report: Int32Array) => view.wrap(report, 0).contraOrderId,
};

/**
 * A trader that keeps every report it has received, byte for byte, over all
 * restarts of the exchange, and compares each report that it receives again.
 */
export class CrashClient {
  readonly account: number;
  /** Report n is at n - 1. */
  readonly reports: Int32Array[] = [];
  /** Reports that came again and were the same. */
  compared = 0;
  /** Commands that were rejected unsequenced. */
  refused = 0;
  readonly #refusable: boolean;
  readonly #prng: Prng;
  readonly #mix: CrashMix;
  readonly #batch = new CommandBatch(64);
  #client: OpenbellClient | undefined;
  #tag = 0;
  #unanswered = new Set<number>();
  #fault: unknown;
  #fence = 0;
  #onFence: (() => void) | undefined;

  /** @param refusable commands may be rejected unsequenced, as on a full disk; a fence is then sent again */
  constructor(account: number, prng: Prng, refusable = false) {
    this.account = account;
    this.#refusable = refusable;
    this.#prng = prng;
    this.#mix = new CrashMix(prng);
  }

  /** Every order ever sent, by client order id. */
  get orders(): ReadonlyMap<number, SentOrder> {
    return this.#mix.orders;
  }

  /** Opens a session that is sent everything behind report `lastReport`. */
  async open({ ports }: ExchangeProcess, lastReport: number): Promise<void> {
    const { grpc, ws, http } = ports;
    this.#unanswered.clear();
    this.#client = await connect({ grpcPort: grpc, wsPort: ws, httpPort: http, account: this.account, lastReport, reconnect: false });
    const session = this.#client.orders;
    session.onFrame = (frame) => this.#onFrame(frame);
    // The exchange is killed meanwhile; the required state is checked afterwards.
    session.on('closed', () => undefined);
    await session.ready();
  }

  /** A session is open, or was when the exchange ended. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Forgets the session; its stream may be dead. */
  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
    this.#throwFault();
  }

  /** Sends random commands until the stream ends or `stop` is set. @param pauseMs between two frames, besides a random pause */
  async load(stop: () => boolean, pauseMs = 0): Promise<void> {
    const session = this.#client?.orders;
    assert.ok(session !== undefined);
    while (!stop()) {
      if (this.#unanswered.size < WINDOW) {
        for (let count = this.#prng.between(1, 40); count > 0 && this.#batch.fitsListOf(LIST); count--) this.#randomCommand();
        try {
          session.send(this.#batch);
        } catch {
          // The exchange was killed, as intended.
          this.#batch.clear();
          break;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs + this.#prng.below(4)));
    }
    this.#throwFault();
  }

  /** Resolves when all reports of the commands sent before have arrived. @throws when the session ends before */
  async fence(): Promise<void> {
    const session = this.#client?.orders;
    assert.ok(session !== undefined);
    this.#fence = this.#nextTag();
    let late: NodeJS.Timeout | undefined;
    let closed: (error?: Error) => void = () => undefined;
    const arrived = new Promise<void>((resolve, reject) => {
      this.#onFence = resolve;
      closed = (error) => reject(error ?? new Error('the session closed'));
      session.once('closed', closed);
      const { length } = this.reports;
      late = setTimeout(() => reject(new Error(`account ${this.account}: nothing follows report ${length} for ${LATE_MS} ms`)), LATE_MS);
    });
    this.#sendFence();
    try {
      await arrived;
    } finally {
      clearTimeout(late);
      session.off('closed', closed);
    }
    this.#throwFault();
  }

  /**
   * Sends orders again: all that were never answered, and some that were. The
   * first must be new to the exchange, the others be answered as before.
   */
  async sendAgain(): Promise<{ unanswered: number; answered: number }> {
    const first = this.firstAnswers();
    const unanswered = [...this.orders.keys()].filter((id) => !first.has(id)).slice(0, 400);
    const isKept = (id: number): boolean => !UNKEPT.has(field.code(first.get(id) as Int32Array));
    const answered = [...first.keys()].filter((id) => isKept(id) && this.#prng.chance(30)).slice(0, 100);
    const before = this.reports.length;
    const lists = new Set<SentOrder['list']>();
    for (const id of [...unanswered, ...answered]) {
      const order = this.orders.get(id) as SentOrder;
      // All orders of a list are sent again at once.
      if (order.list && lists.has(order.list)) continue;
      lists.add(order.list);
      if (!this.#batch.fitsListOf(LIST)) this.#client?.orders.send(this.#batch);
      this.#mix.send(this.#batch, order, this.#nextTag());
    }
    this.#client?.orders.send(this.#batch);
    await this.fence();
    const isChange = (kind: number): boolean => kind === ReportKind.Amended || kind === ReportKind.Triggered;
    const changed = new Set(this.reports.filter((report) => isChange(field.kind(report))).map(field.orderId));
    const filled = new Map<number, number>();
    const again = new Map<number, Int32Array>();
    for (const [i, report] of this.reports.entries()) {
      const kind = field.kind(report);
      if (kind === ReportKind.Fill) filled.set(field.orderId(report), field.filled(report));
      if (i < before || !isAnswer(report)) continue;
      const id = field.clientOrderId(report);
      assert.ok(!again.has(id), `order ${id} was answered twice to one command`);
      again.set(id, report);
      if ((field.flags(report) & ReportFlag.Duplicate) === 0) continue;
      assert.equal(field.filled(report), filled.get(field.orderId(report)) ?? 0, `order ${id} is answered with what it has filled`);
    }
    for (const id of unanswered) {
      const answer = again.get(id);
      assert.ok(answer !== undefined, `order ${id} was sent again and not answered`);
      assert.equal(field.flags(answer) & ReportFlag.Duplicate, 0, `order ${id} was known, but its answer was not sent after the restart`);
    }
    for (const id of answered) {
      const answer = again.get(id);
      const earlier = first.get(id) as Int32Array;
      const sent = this.orders.get(id);
      assert.ok(answer !== undefined, `order ${id} was sent again and not answered`);
      // It answers with the price and quantity that it has now.
      const follows = (sent?.trailOffset ?? 0) > 0 || sent?.orderType === OrderType.Market || sent?.pegOffset !== undefined;
      const same = follows || changed.has(field.orderId(earlier)) ? SAME_ORDER : SAME_ANSWER;
      for (const name of same) assert.equal(field[name](answer), field[name](earlier), `${name} of the second answer to order ${id}`);
      assert.equal(field.flags(answer) & ReportFlag.Duplicate, ReportFlag.Duplicate, `order ${id} was taken twice`);
    }
    return { unanswered: unanswered.length, answered: answered.length };
  }

  /** The first answer to each order, by client order id. */
  firstAnswers(): Map<number, Int32Array> {
    const answers = new Map<number, Int32Array>();
    for (const report of this.reports) {
      if (!isAnswer(report)) continue;
      const id = field.clientOrderId(report);
      if (!answers.has(id)) answers.set(id, report);
    }
    return answers;
  }

  /** Keeps the reports that commands up to `seq` caused; returns the others. */
  cutAfter(seq: number): Int32Array[] {
    const keep = this.reports.findIndex((report) => field.seq(report) > seq);
    return keep === -1 ? [] : this.reports.splice(keep);
  }

  #randomCommand(): void {
    const tag = this.#nextTag();
    this.#unanswered.add(tag);
    this.#mix.add(this.#batch, tag);
  }

  #nextTag(): number {
    this.#tag = (this.#tag + 1) >>> 0;
    return this.#tag;
  }

  /** Runs inside the client: a failed check is kept and thrown from where it is awaited. */
  #onFrame(frame: ReportFrameReader): void {
    try {
      assert.ok(this.#refusable || frame.refusals === 0, 'a command was rejected unsequenced');
      for (let i = 0; i < frame.refusals; i++) this.#refuse(frame.flat.u32(frame.refusalsAt + i * Refusal.bytes + Refusal.tag));
      for (let i = 0; i < frame.reports; i++) {
        const report = new Int32Array(WORDS);
        frame.flat.copyWords(frame.reportsAt + i * Report.bytes, report, 0, WORDS);
        this.#keep(report);
      }
    } catch (error) {
      this.#fault ??= error;
    }
  }

  #refuse(tag: number): void {
    this.refused++;
    this.#unanswered.delete(tag);
    if (tag === this.#fence) setTimeout(() => this.#sendFence(), REFUSED_MS);
  }

  #sendFence(): void {
    this.#batch.cancel(SYMBOL, Number.MAX_SAFE_INTEGER, 0, this.#fence);
    try {
      this.#client?.orders.send(this.#batch);
    } catch {
      // The session has ended, which `fence` reports.
      this.#batch.clear();
    }
  }

  #keep(report: Int32Array): void {
    const no = field.no(report);
    assert.ok(no <= this.reports.length + 1, `account ${this.account}: report ${no} came after ${this.reports.length}`);
    const kept = this.reports[no - 1];
    if (kept === undefined) this.reports.push(report);
    else {
      for (let word = 0; word < WORDS; word++) {
        if (report[word] !== kept[word]) assert.deepEqual(report, kept, `account ${this.account}: report ${no} is not what it was`);
      }
      this.compared++;
    }
    if (field.kind(report) !== ReportKind.Fill) this.#unanswered.delete(field.tag(report));
    if (field.kind(report) === ReportKind.CancelRejected && field.tag(report) === this.#fence) this.#onFence?.();
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }
}

/** The answer to a new order. */
function isAnswer(report: Int32Array): boolean {
  const kind = field.kind(report);
  return (kind === ReportKind.Accepted || kind === ReportKind.Rejected) && field.clientOrderId(report) !== 0;
}
