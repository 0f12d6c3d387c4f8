import { Code } from '../../engine/codes.ts';
import { MAX_DROP_COPY_ACCOUNTS } from '../../engine/wire/drop-copy-frame.ts';
import { Report } from '../../engine/wire/layout.ts';
import type { ReportFrameReader } from '../../engine/wire/report-frame-reader.ts';
import { CopiedAccount } from './copied-account.ts';
import { DropCopyStream, type DropCopyStreamOptions } from './drop-copy-stream.ts';
import { OpenbellError } from './errors.ts';
import { checkOptions, type Options } from './known-options.ts';
import { viewReport } from './report-view.ts';
import { reportsLost } from './resume.ts';
import type { SymbolCatalog } from './symbols.ts';
import type { DropCopyOptions, ReportView } from './types.ts';

const OPTIONS: Options<DropCopyOptions> = { accounts: true, after: true, onLost: true };
/** Reports that wait for their reader, beyond which the exchange is not read from, and up to which the queue must shrink. */
const MOST_WAITING = 4096;
const FEW_WAITING = 1024;

export interface DropCopyConnection extends DropCopyStreamOptions {
  readonly symbols: SymbolCatalog;
}

/**
 * The reports of several accounts, read only, for risk desks:
 *
 * ```ts
 * for await (const report of exchange.dropCopy({ accounts: [1, 2], after: { 1: 400 } })) console.log(report.account, report.reportNo);
 * ```
 * Each report comes once, and in order within its account. A lost connection is made again, and the missed reports follow. Leaving the
 * loop, or `close`, ends it; an end for another reason is thrown.
 */
export class DropCopy implements AsyncIterableIterator<ReportView> {
  readonly #accounts = new Map<number, CopiedAccount>();
  readonly #symbols: SymbolCatalog;
  readonly #stream: DropCopyStream;
  readonly #ready = Promise.withResolvers<void>();
  #waiting: ReportView[] = [];
  /** The next report is `#waiting[#at]`. */
  #at = 0;
  readonly #takers: PromiseWithResolvers<IteratorResult<ReportView>>[] = [];
  /** Number of the last report of each account that was handed out. */
  readonly #handed = new Map<number, number>();
  /** It has ended, for this reason or because it was closed. */
  #ended: { readonly error: OpenbellError | undefined } | undefined;

  /** @param onEnd called when it has ended @throws OpenbellError BAD_OPTION, BAD_RANGE */
  constructor(options: DropCopyOptions, connection: DropCopyConnection, onEnd: () => void = () => undefined) {
    checkOptions('dropCopy', options, OPTIONS);
    const { accounts, after = {}, onLost } = options;
    for (const account of accounts) {
      const number = after[account];
      if (!isId(account) || account > 0xffff_ffff) throw badRange(`an account is an id from 1, not ${account}`);
      if (number !== undefined && number !== 0 && !isId(number)) throw badRange(`after: ${number} is not a report number`);
      this.#accounts.set(account, new CopiedAccount(account, number));
    }
    if (this.#accounts.size === 0 || this.#accounts.size > MAX_DROP_COPY_ACCOUNTS)
      throw badRange(`a drop copy has 1 to ${MAX_DROP_COPY_ACCOUNTS} accounts, not ${this.#accounts.size}`);
    for (const name of Object.keys(after))
      if (!this.#accounts.has(Number(name))) throw badRange(`after names account ${name}, which is not among the accounts`);
    this.#symbols = connection.symbols;
    // Callers that do not await it get the error from the loop.
    this.#ready.promise.catch(() => undefined);
    this.#stream = new DropCopyStream(connection, {
      points: () => Array.from(this.#accounts.values(), ({ account, after }) => ({ account, after })),
      onOpen: (points) => {
        for (const { account, after = 0 } of points) {
          const its = this.#accounts.get(account);
          if (its === undefined) continue;
          its.last ??= after;
          if (!this.#handed.has(account)) this.#handed.set(account, its.last);
        }
        this.#ready.resolve();
      },
      onFrame: (frame) => this.#take(frame),
      onLost: (error) => onLost?.(error),
      onFinished: (error) => {
        onEnd();
        this.#end(error);
      },
    });
  }

  /** Resolves when it is open for the first time: what happens later is in it. Rejects when it cannot be. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Number of the last report of each account that the loop was given, or after which it began. Pass it as `after` to continue later. */
  get after(): Readonly<Record<number, number>> {
    return Object.fromEntries(this.#handed);
  }

  next(): Promise<IteratorResult<ReportView>> {
    const report = this.#waiting[this.#at];
    if (report !== undefined) {
      this.#at++;
      this.#shrink();
      return Promise.resolve(this.#hand(report));
    }
    if (this.#ended?.error !== undefined) return Promise.reject(this.#ended.error);
    if (this.#ended !== undefined) return Promise.resolve({ value: undefined, done: true });
    const taker = Promise.withResolvers<IteratorResult<ReportView>>();
    this.#takers.push(taker);
    return taker.promise;
  }

  async return(): Promise<IteratorResult<ReportView>> {
    await this.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends it; reports that wait are dropped. */
  async close(): Promise<void> {
    this.#waiting = [];
    this.#at = 0;
    this.#stream.close();
  }

  #take(frame: ReportFrameReader): void {
    const { flat, reports, reportsAt } = frame;
    for (let i = 0; i < reports; i++) {
      const at = reportsAt + i * Report.bytes;
      const its = this.#accounts.get(flat.u32(at + Report.account));
      const step = its?.take(flat.u53(at + Report.reportNo), flat, at) ?? 'known';
      if (step === 'gap') return this.#stream.restart();
      if (step === 'other') return this.#stream.fail(reportsLost(its?.account ?? 0, its?.last));
      if (step === 'new') this.#give(viewReport(flat, at, this.#symbols));
    }
    if (this.#waiting.length - this.#at >= MOST_WAITING) this.#stream.pause();
  }

  #give(report: ReportView): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#waiting.push(report);
    else taker.resolve(this.#hand(report));
  }

  #hand(report: ReportView): IteratorResult<ReportView> {
    this.#handed.set(report.account, report.reportNo);
    return { value: report, done: false };
  }

  #shrink(): void {
    if (this.#at < FEW_WAITING && this.#at !== this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#at);
    this.#at = 0;
    if (this.#waiting.length <= FEW_WAITING) this.#stream.resume();
  }

  #end(error: OpenbellError | undefined): void {
    this.#ended = { error };
    this.#ready.reject(error ?? new OpenbellError('CLOSED', 'the drop copy was closed: open another one'));
    for (const [i, taker] of this.#takers.splice(0).entries()) {
      // The first caller gets the reason; for the others it has ended.
      if (error !== undefined && i === 0) taker.reject(error);
      else taker.resolve({ value: undefined, done: true });
    }
  }
}

function isId(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function badRange(text: string): OpenbellError {
  return new OpenbellError('BAD_RANGE', text, Code.BAD_RANGE);
}
