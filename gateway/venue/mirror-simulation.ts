import { Code, codeName } from '../../engine/codes.ts';
import type { CommandFields } from '../../engine/machine/command.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import type { Sequencer } from '../../engine/threads/sequencer.ts';
import { CommandKind, Phase, ReportKind, Side } from '../../engine/wire/layout.ts';
import { ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import { FeedState } from '../../feeds/feed.ts';
import type { BroadcastReader } from '../../feeds/rings/broadcast-ring.ts';
import { LatestValues } from '../../feeds/rings/latest-values.ts';
import { isSameInstrument } from '../../feeds/simulator/instrument-names.ts';
import { Mirror, type MirroredInstrument } from '../../feeds/simulator/mirror.ts';
import type { MirroredSymbol } from '../../feeds/simulator/mirror-scale.ts';
import { SendBudget } from '../../feeds/simulator/send-budget.ts';
import type { Feeds } from '../../feeds/worker/feeds.ts';
import type { SimulatorConfig } from '../config/config-file.ts';
import type { Logger } from '../log.ts';
import type { ReportCursor } from '../sessions/report-cursor.ts';
import type { ReportHub } from '../sessions/report-hub.ts';
import { SimulatedAccounts } from './simulated-accounts.ts';

/** Interval of command batches, ms: each batch costs the log a write. */
const TICK_MS = 10;
/** Interval of the checks of the accounts' balances, ms; when an order was rejected for lack of funds, the shorter one. */
const FUNDING_MS = 5000;
const URGENT_FUNDING_MS = 500;
/** Until rejected orders are tried again, and between two warnings of them, ms. */
const RETRY_MS = 1000;
const WARN_MS = 10_000;
/** Balance target of each account, as a multiple of what all levels of a side are worth. */
const FUNDED_SIDES = 4;
/** Most records that are read at once, some 0.5 ms, and the pause before the next ones, ms. */
const MAX_RECORDS = 2048;
const READ_PAUSE_MS = 1;
/** Instruments that a warning names. */
const NAMED_INSTRUMENTS = 8;
const REPORTS = 64;
/** Name of its reader of feed records, in the metrics. */
export const MIRROR_READER = 'mirror';

/** What the mirror does, for metrics. */
export interface MirrorStatus {
  /** Name of the source. */
  readonly source: string;
  readonly connected: boolean;
  /** Symbols whose quotes follow an instrument, and those whose quotes were withdrawn or have not begun. */
  readonly quoted: number;
  readonly withdrawn: number;
  /** Commands sent: orders that quote, their amends and cancels, and orders that take as the source's trades did. */
  readonly commands: Readonly<Record<'quote' | 'amend' | 'cancel' | 'take', number>>;
  readonly rejects: number;
  readonly withdrawals: number;
  readonly droppedTrades: number;
}

export interface MirrorParts {
  readonly feeds: Feeds;
  /** Name of the source that is mirrored. */
  readonly source: string;
  readonly directory: Directory;
  readonly sequencer: Sequencer;
  readonly hub: ReportHub;
  /** Runs after each publish. */
  readonly onPublished: () => void;
  readonly log: Logger;
}

/**
 * Live order flow of `--simulate mirror=SOURCE`: the configured makers quote the book of an outside source, and the takers
 * trade as its trades do, at no more than the configured rate. Its orders go through the sequencer like all others. It reads the
 * feeds' ring by a timer, so a fast source delays no order. I/O thread only.
 */
export class MirrorSimulation {
  readonly #parts: MirrorParts;
  readonly #accounts: SimulatedAccounts;
  readonly #mirror: Mirror;
  readonly #reader: BroadcastReader;
  readonly #source: number;
  readonly #budget: SendBudget;
  readonly #timer: NodeJS.Timeout;
  readonly #cursors: readonly ReportCursor[];
  readonly #frame = new ReportFrameWriter(REPORTS);
  readonly #report = new ReportView();
  readonly #values = new LatestValues();
  readonly #nameOf = (row: number): string => this.#parts.feeds.latest.name(row);
  /** What was logged of each instrument. */
  readonly #logged = new Map<MirroredInstrument, boolean>();
  #nextRead: NodeJS.Timeout | undefined;
  #isEnded = false;
  #hasWarnedOfNames = false;
  /** The next command, decided while the exchange took none. */
  #waiting: CommandFields | undefined;
  #fundedAt = Number.NEGATIVE_INFINITY;
  #retriedAt = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #isShort = false;
  #rejected = 0;
  #lastReject: Code = Code.OK;
  readonly #sent = { quote: 0, amend: 0, cancel: 0, take: 0 };
  #rejects = 0;

  /** Starts at once, on the symbols that trade continuously now. Orders that an earlier simulation left are cancelled first. */
  constructor({ makers, takers, rate, mirror, mirrorPercent }: SimulatorConfig, parts: MirrorParts) {
    const { directory, sequencer, onPublished, feeds, hub } = parts;
    this.#parts = parts;
    this.#budget = new SendBudget(rate, performance.now());
    this.#accounts = new SimulatedAccounts([...makers, ...takers], directory, sequencer, onPublished);
    this.#mirror = new Mirror({
      symbols: directory.symbols().flatMap(mirroredSymbol),
      makers,
      takers,
      matches:
        mirror.length === 0
          ? isSameInstrument
          : (symbol, instrument) => mirror.some((pair) => pair.symbol === symbol && pair.instrument === instrument),
      percent: mirrorPercent,
      // Above every id that an earlier simulation can have used.
      firstClientOrderId: Date.now() * 4000,
    });
    this.#reader = feeds.reader({ from: 'oldest' }, MIRROR_READER);
    this.#source = feeds.status().findIndex(({ name }) => name === parts.source);
    const listener = { onReportsReady: () => this.#readReports(), onReportsLost: (error: Error) => this.#lost(error) };
    this.#cursors = makers.map((account) => hub.open(account, hub.lastReportNo(account), listener));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Symbols that have a market now. */
  get symbols(): number {
    return this.#mirror.mirrored.filter(({ quoted }) => quoted).length;
  }

  /** Commands sent. */
  get sent(): number {
    const { quote, amend, cancel, take } = this.#sent;
    return quote + amend + cancel + take;
  }

  status(): MirrorStatus {
    const { connected, mirrored, withdrawals, droppedTrades } = this.#mirror;
    const { symbols: quoted } = this;
    return {
      source: this.#parts.source,
      connected,
      quoted,
      withdrawn: mirrored.length - quoted,
      commands: this.#sent,
      rejects: this.#rejects,
      withdrawals,
      droppedTrades,
    };
  }

  /** Cancels all quotes and ends. */
  stop(): void {
    this.#isEnded = true;
    clearInterval(this.#timer);
    clearTimeout(this.#nextRead);
    this.#mirror.end();
    this.#send(Number.POSITIVE_INFINITY);
    for (const cursor of this.#cursors) this.#parts.hub.close(cursor);
  }

  #tick(): void {
    const now = performance.now();
    this.#readRecords();
    this.#tell();
    if (this.#accounts.cancelLeftovers()) return;
    if (now - this.#fundedAt > (this.#isShort ? URGENT_FUNDING_MS : FUNDING_MS)) {
      this.#fundedAt = now;
      this.#isShort = false;
      this.#fund();
    }
    if (now - this.#retriedAt > RETRY_MS) {
      this.#retriedAt = now;
      this.#mirror.retry();
      this.#warn(now);
      this.#warnOfNames();
    }
    this.#budget.spend(this.#send(this.#budget.available(now)));
  }

  #readRecords(): void {
    const reader = this.#reader;
    for (let read = 0; read < MAX_RECORDS && !this.#isEnded; ) {
      const count = reader.poll();
      if (reader.missed > 0) this.#restart();
      for (let i = 0; i < count; i++) {
        const record = reader.at(i);
        if (record.source === this.#source) this.#mirror.onRecord(record, this.#nameOf);
      }
      if (count === 0) return;
      read += count;
    }
    // A snapshot of all levels has tens of thousands: orders are taken between its parts.
    this.#nextRead ??= setTimeout(() => {
      this.#nextRead = undefined;
      this.#readRecords();
    }, READ_PAUSE_MS);
  }

  /** Records were overwritten before they were read. */
  #restart(): void {
    const { feeds, log, source } = this.#parts;
    log.warn({ feed: source, records: this.#reader.missed }, 'mirror: records were lost; the books begin anew');
    const connected = feeds.status()[this.#source].state === FeedState.Live;
    for (let row = 0; row < feeds.latest.rows; row++) {
      feeds.latest.read(row, this.#values);
      if (this.#values.source === this.#source) this.#mirror.restart(row, this.#nameOf, this.#values, connected);
    }
  }

  /** Sends what is due, as far as the exchange takes commands now. @returns how many */
  #send(most: number): number {
    const now = performance.now();
    let count = 0;
    for (; count < most; count++) {
      this.#waiting ??= this.#mirror.next(now);
      if (this.#waiting === undefined || !this.#accounts.submit(this.#waiting)) break;
      this.#sent[sentAs(this.#waiting)]++;
      this.#waiting = undefined;
    }
    if (count > 0) this.#accounts.publish();
    return count;
  }

  #readReports(): void {
    const now = performance.now();
    const frame = this.#frame;
    for (const cursor of this.#cursors) {
      for (let full = true; full; ) {
        frame.count = 0;
        cursor.fill(frame);
        full = frame.full;
        for (let i = 0; i < frame.count; i++) this.#onReport(this.#report.wrap(frame.words, frame.wordOf(i)), now);
      }
    }
    frame.count = 0;
  }

  #onReport(report: ReportView, now: number): void {
    const { kind, code } = report;
    // An order may have been filled while its amend was on the way.
    if ((kind === ReportKind.Rejected || kind === ReportKind.AmendRejected) && code !== Code.UNKNOWN_ORDER) {
      this.#rejected++;
      this.#rejects++;
      this.#lastReject = code as Code;
      if (code === Code.INSUFFICIENT_FUNDS) this.#isShort = true;
    }
    this.#mirror.onReport(report.tag, report.clientOrderId, kind, code, report.leaves, now);
  }

  #lost(error: Error): void {
    this.#parts.log.error({ err: error }, 'mirror: reports of its orders cannot be read; it ends, and its quotes are withdrawn');
    this.stop();
  }

  #fund(): void {
    const needed = new Map<number, number>();
    const need = (asset: number, amount: number): void => void needed.set(asset, (needed.get(asset) ?? 0) + FUNDED_SIDES * amount);
    for (const { quotes, scale } of this.#mirror.mirrored) {
      const symbol = this.#parts.directory.symbol(scale.symbol.id);
      if (symbol === undefined) continue;
      need(symbol.baseAsset.id, quotes.total(Side.Sell).lots * symbol.basePerLot);
      need(symbol.quoteAsset.id, quotes.total(Side.Buy).value * symbol.quotePerTickLot);
    }
    this.#accounts.fund(needed);
  }

  #tell(): void {
    const { log, source } = this.#parts;
    for (const mirrored of this.#mirror.mirrored) {
      const { quoted, name, scale } = mirrored;
      if ((this.#logged.get(mirrored) ?? false) === quoted) continue;
      this.#logged.set(mirrored, quoted);
      const { numerator, denominator, symbol } = scale;
      const about = { feed: source, symbol: symbol.name, instrument: name };
      if (!quoted) log.warn(about, 'mirror: the instrument is not live; its quotes are withdrawn');
      else if (numerator === denominator) log.info(about, 'mirror: the symbol has the market of the instrument');
      else
        log.info(
          { ...about, scale: `${numerator}/${denominator}` },
          'mirror: the symbol has the market of the instrument, its prices scaled into the range of the symbol',
        );
    }
  }

  /** Once, if the source has instruments and none of them is mirrored. */
  #warnOfNames(): void {
    if (this.#hasWarnedOfNames || this.#mirror.mirrored.length > 0 || this.#reader.available() > 0) return;
    const { feeds, log, source } = this.#parts;
    const names: string[] = [];
    for (let row = 0; row < feeds.latest.rows && names.length < NAMED_INSTRUMENTS; row++) {
      feeds.latest.read(row, this.#values);
      if (this.#values.source === this.#source) names.push(this.#nameOf(row));
    }
    if (names.length === 0) return;
    this.#hasWarnedOfNames = true;
    log.warn(
      { feed: source, instruments: names },
      'mirror: no instrument of the source has the name of a symbol in continuous trading; map them in the configuration: simulator.mirror',
    );
  }

  #warn(now: number): void {
    if (this.#rejected === 0 || now - this.#warnedAt < WARN_MS) return;
    this.#warnedAt = now;
    this.#parts.log.warn(
      { rejected: this.#rejected, last: codeName(this.#lastReject) },
      'mirror: orders were rejected; they are tried again',
    );
    this.#rejected = 0;
  }
}

/** Orders that take have no place among the quotes, and so no tag. */
function sentAs({ kind, tag }: CommandFields): keyof MirrorStatus['commands'] {
  if (kind === CommandKind.Cancel) return 'cancel';
  if (kind === CommandKind.Amend) return 'amend';
  return tag === undefined ? 'take' : 'quote';
}

/** The symbol as the mirror needs it; empty when it does not trade continuously. */
function mirroredSymbol(symbol: SymbolInfo): MirroredSymbol[] {
  const { id, name, phase, params, referencePrice, lastPrice } = symbol;
  if (phase !== Phase.Continuous) return [];
  const { tickMantissa, tickDecimals, lotMantissa, lotDecimals, quotePerTickLot, basePerLot } = symbol;
  return [
    {
      id,
      name,
      tickMantissa,
      tickDecimals,
      lotMantissa,
      lotDecimals,
      quotePerTickLot,
      basePerLot,
      tickStep: params.TickStep,
      maxPrice: params.MaxPrice,
      lotStep: params.LotStep,
      minQuantity: params.MinQuantity,
      maxQuantity: params.MaxQuantity,
      minNotional: params.MinNotional,
      maxNotional: params.MaxNotional,
      reference: referencePrice || lastPrice,
      bandPpm: params.PriceBandPpm,
    },
  ];
}
