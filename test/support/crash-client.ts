import assert from 'node:assert/strict';
import { Report, ReportKind, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { ReportFlag } from '../../engine/wire/names.ts';
import type { ReportFrameReader } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import type { Prng } from '../../feeds/simulator/prng.ts';
import { CommandBatch, connect, type OpenbellClient } from '../../gateway/client/index.ts';
import type { ExchangeProcess } from './exchange-process.ts';

const SYMBOL = 1;
const MIDDLE = 6_000_000;
const AROUND = 12;
const WINDOW = 600;
const LATE_MS = 20_000;
const WORDS = Report.bytes / 4;

/** What two answers to the same client order id have in common. */
const SAME_ORDER = ['kind', 'code', 'orderId'] as const;
const SAME_ANSWER = [...SAME_ORDER, 'price', 'quantity'] as const;

interface SentOrder {
  readonly side: Side;
  readonly timeInForce: TimeInForce;
  readonly price: number;
  readonly quantity: number;
}

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
  /** Every order ever sent, by client order id. */
  readonly orders = new Map<number, SentOrder>();
  /** Reports that came again and were the same. */
  compared = 0;
  readonly #prng: Prng;
  readonly #batch = new CommandBatch(64);
  #client: OpenbellClient | undefined;
  #nextClientOrderId = 1;
  #tag = 0;
  #unanswered = new Set<number>();
  #fault: unknown;
  #fence = 0;
  #onFence: (() => void) | undefined;

  constructor(account: number, prng: Prng) {
    this.account = account;
    this.#prng = prng;
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

  /** Forgets the session; its stream may be dead. */
  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
    this.#throwFault();
  }

  /** Sends random commands until the stream ends or `stop` is set. */
  async load(stop: () => boolean): Promise<void> {
    const session = this.#client?.orders;
    assert.ok(session !== undefined);
    while (!stop()) {
      if (this.#unanswered.size < WINDOW) {
        for (let count = this.#prng.between(1, 40); count > 0; count--) this.#randomCommand();
        try {
          session.send(this.#batch);
        } catch {
          // The exchange was killed, as intended.
          this.#batch.clear();
          break;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, this.#prng.below(4)));
    }
    this.#throwFault();
  }

  /** Resolves when all reports of the commands sent before have arrived. @throws when the session ends before */
  async fence(): Promise<void> {
    const session = this.#client?.orders;
    assert.ok(session !== undefined);
    this.#fence = this.#nextTag();
    let late: NodeJS.Timeout | undefined;
    const arrived = new Promise<void>((resolve, reject) => {
      this.#onFence = resolve;
      session.once('closed', (error) => reject(error ?? new Error('the session closed')));
      const { length } = this.reports;
      late = setTimeout(() => reject(new Error(`account ${this.account}: nothing follows report ${length} for ${LATE_MS} ms`)), LATE_MS);
    });
    this.#batch.cancel(SYMBOL, Number.MAX_SAFE_INTEGER, 0, this.#fence);
    session.send(this.#batch);
    try {
      await arrived;
    } finally {
      clearTimeout(late);
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
    const answered = [...first.keys()].filter(() => this.#prng.chance(30)).slice(0, 100);
    const before = this.reports.length;
    for (const id of [...unanswered, ...answered]) {
      const { side, timeInForce, price, quantity } = this.orders.get(id) as SentOrder;
      if (this.#batch.full) this.#client?.orders.send(this.#batch);
      this.#batch.place(SYMBOL, side, timeInForce, price, quantity, id, this.#nextTag());
    }
    this.#client?.orders.send(this.#batch);
    await this.fence();
    const amended = new Set(this.reports.filter((report) => field.kind(report) === ReportKind.Amended).map(field.orderId));
    const filled = new Map<number, number>();
    for (const report of this.reports) if (field.kind(report) === ReportKind.Fill) filled.set(field.orderId(report), field.filled(report));
    const again = new Map<number, Int32Array>();
    for (const report of this.reports.slice(before)) {
      const kind = field.kind(report);
      if (kind !== ReportKind.Accepted && kind !== ReportKind.Rejected) continue;
      assert.ok(!again.has(field.clientOrderId(report)), `order ${field.clientOrderId(report)} was answered twice to one command`);
      again.set(field.clientOrderId(report), report);
    }
    for (const id of unanswered) {
      const answer = again.get(id);
      assert.ok(answer !== undefined, `order ${id} was sent again and not answered`);
      assert.equal(field.flags(answer) & ReportFlag.Duplicate, 0, `order ${id} was known, but its answer was not sent after the restart`);
    }
    for (const id of answered) {
      const answer = again.get(id);
      const earlier = first.get(id) as Int32Array;
      assert.ok(answer !== undefined, `order ${id} was sent again and not answered`);
      // An amended order answers with the price and quantity that it has now.
      const same = amended.has(field.orderId(earlier)) ? SAME_ORDER : SAME_ANSWER;
      for (const name of same) assert.equal(field[name](answer), field[name](earlier), `${name} of the second answer to order ${id}`);
      assert.equal(field.flags(answer) & ReportFlag.Duplicate, ReportFlag.Duplicate, `order ${id} was taken twice`);
      assert.equal(field.filled(answer), filled.get(field.orderId(earlier)) ?? 0, `order ${id} is answered with what it has filled`);
    }
    return { unanswered: unanswered.length, answered: answered.length };
  }

  /** The first answer to each order, by client order id. */
  firstAnswers(): Map<number, Int32Array> {
    const answers = new Map<number, Int32Array>();
    for (const report of this.reports) {
      const kind = field.kind(report);
      if (kind !== ReportKind.Accepted && kind !== ReportKind.Rejected) continue;
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
    const prng = this.#prng;
    const choice = prng.below(100);
    const known = this.#nextClientOrderId - 1;
    const target = known - prng.below(Math.min(known, 80) || 1);
    const price = MIDDLE + prng.between(-AROUND, AROUND);
    const quantity = prng.between(1, 50);
    const tag = this.#nextTag();
    this.#unanswered.add(tag);
    if (choice < 20 && target > 0) this.#batch.cancel(SYMBOL, target, 0, tag);
    else if (choice < 30 && target > 0) this.#batch.amend(SYMBOL, target, 0, price, quantity, tag);
    else {
      const side = prng.chance(500) ? Side.Buy : Side.Sell;
      const kinds = [TimeInForce.ImmediateOrCancel, TimeInForce.FillOrKill, TimeInForce.Market, TimeInForce.PostOnly];
      const timeInForce = prng.chance(700) ? TimeInForce.GoodTillCancel : kinds[prng.below(kinds.length)];
      const order = { side, timeInForce, price: timeInForce === TimeInForce.Market ? 0 : price, quantity };
      const id = this.#nextClientOrderId++;
      this.orders.set(id, order);
      this.#batch.place(SYMBOL, side, timeInForce, order.price, quantity, id, tag);
    }
  }

  #nextTag(): number {
    this.#tag = (this.#tag + 1) >>> 0;
    return this.#tag;
  }

  /** Runs inside the client: a failed check is kept and thrown from where it is awaited. */
  #onFrame(frame: ReportFrameReader): void {
    try {
      assert.equal(frame.refusals, 0, 'a command was rejected unsequenced');
      for (let i = 0; i < frame.reports; i++) {
        const report = new Int32Array(WORDS);
        frame.flat.copyWords(frame.reportsAt + i * Report.bytes, report, 0, WORDS);
        this.#keep(report);
      }
    } catch (error) {
      this.#fault ??= error;
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
