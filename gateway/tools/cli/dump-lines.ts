import { unitsToDecimal } from '../../../engine/decimal.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { DumpedRecord } from '../../../engine/threads/dump-log.ts';
import { CommandKind, Report } from '../../../engine/wire/layout.ts';
import { ReportView as WireReport } from '../../../engine/wire/report-view.ts';
import { viewWords } from '../../client/report-view.ts';
import { SymbolCatalog } from '../../client/symbols.ts';
import type { ReportView } from '../../client/types.ts';
import { commandText, kindName, LoggedCommand, timeText } from './command-text.ts';
import { CliError, ExitCode } from './exit.ts';
import { reportLine } from './report-line.ts';

const REPORT_WORDS = Report.bytes / 4;

export interface LineFilter {
  readonly account?: number;
  readonly symbol?: string;
  readonly reports?: true;
  readonly json?: true;
}

/** Turns records of a log into lines. One for a log, because an extension belongs to the command after it. */
export class DumpLines {
  readonly #filter: LineFilter;
  readonly #report = new WireReport();
  #directory: Directory | undefined;
  #symbols = new SymbolCatalog([]);
  #extension: Int32Array | undefined;
  #empty = true;

  constructor(filter: LineFilter) {
    this.#filter = filter;
  }

  /** Names and units of the records that follow. */
  use(directory: Directory): void {
    this.#directory = directory;
    this.#symbols = new SymbolCatalog(
      directory.symbols().map(({ id, name, tickMantissa, tickDecimals, lotMantissa, lotDecimals, quoteAsset }) => ({
        id,
        name,
        tickSize: unitsToDecimal(1, tickMantissa, tickDecimals),
        lotSize: unitsToDecimal(1, lotMantissa, lotDecimals),
        quoteDecimals: quoteAsset.decimals,
      })),
    );
  }

  /** Empty for a record that is not asked for. Each line ends with a newline. */
  of({ words, reports: reportWords }: DumpedRecord): string {
    if ((words[0] & 0xff) === CommandKind.Extension) {
      this.#extension = words;
      return '';
    }
    const command = new LoggedCommand(words, this.#extension);
    this.#extension = undefined;
    const reports = this.#filter.reports ? this.#reportsOf(reportWords) : [];
    if (!this.#concerns(command) && reports.length === 0) return '';
    this.#empty = false;
    return this.#filter.json ? this.#json(command, reports) : this.#text(command, reports);
  }

  /** After the last record. @throws CliError if there was no line because the account or the symbol that is asked for does not exist */
  end(): void {
    const { account, symbol } = this.#filter;
    if (!this.#empty || this.#directory === undefined) return;
    if (symbol !== undefined && !this.#directory.symbols().some(({ name }) => name === symbol)) throw unknown('symbol', symbol);
    // Account 0 is the operator.
    if (account !== undefined && account !== 0 && this.#directory.account(account) === undefined) throw unknown('account', account);
  }

  #concerns({ account, symbol, kind }: LoggedCommand): boolean {
    const { account: wanted, symbol: name } = this.#filter;
    // In these commands, the field has the id of an asset, or of a fee table.
    const hasSymbol = kind < CommandKind.DefineAsset || !ASSET_KINDS.has(kind);
    return (
      (wanted === undefined || (account === wanted && kind !== CommandKind.DefineSymbol)) &&
      (name === undefined || (hasSymbol && this.#directory?.symbol(symbol)?.name === name))
    );
  }

  #reportsOf(words: Int32Array): ReportView[] {
    const { account, symbol } = this.#filter;
    const found: ReportView[] = [];
    for (let at = 0; at < words.length; at += REPORT_WORDS) {
      const report = viewWords(this.#report.wrap(words, at), this.#symbols);
      if ((account === undefined || report.account === account) && (symbol === undefined || report.symbol === symbol)) found.push(report);
    }
    return found;
  }

  #text(command: LoggedCommand, reports: readonly ReportView[]): string {
    const fields = Object.entries(this.#fields(command)).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    const head = `${command.seq} ${timeText(command.timeUs)} ${kindName(command.kind)} ${fields.join(' ')}`.trimEnd();
    return [head, ...reports.map((report) => `  account ${report.account} report ${report.reportNo}: ${textOf(report)}`), ''].join('\n');
  }

  #json(command: LoggedCommand, reports: readonly ReportView[]): string {
    const { seq, timeUs, kind } = command;
    const line = {
      seq: String(seq),
      transactTime: timeText(timeUs),
      kind: kindName(kind),
      ...this.#fields(command),
      ...(this.#filter.reports && { reports: reports.map(jsonOf) }),
    };
    return `${JSON.stringify(line)}\n`;
  }

  #fields(command: LoggedCommand): Readonly<Record<string, string | undefined>> {
    return this.#directory === undefined ? {} : commandText(command, this.#directory);
  }
}

function unknown(what: 'account' | 'symbol', which: number | string): CliError {
  return new CliError(
    `the log has no ${what} ${which} up to the last command of the dump`,
    ExitCode.Usage,
    what === 'account' ? 'UNKNOWN_ACCOUNT' : 'UNKNOWN_SYMBOL',
  );
}

/** Kinds whose field `symbol` has no symbol. */
const ASSET_KINDS: ReadonlySet<number> = new Set([
  CommandKind.DefineAsset,
  CommandKind.DefineAccount,
  CommandKind.SetAccount,
  CommandKind.Deposit,
  CommandKind.Withdraw,
  CommandKind.SetFeeTier,
  CommandKind.Configure,
  CommandKind.StateDigest,
  CommandKind.Tick,
]);

/** An answer to the operator has no order. */
function textOf(report: ReportView): string {
  if (report.kind === 'accepted' && report.orderId === 0) return `accepted${report.duplicate ? ' (sent before)' : ''}`;
  return reportLine(report).replace(/ +/g, ' ');
}

/** With the names of the REST interface. */
function jsonOf(report: ReportView): Record<string, string | undefined> {
  const { kind, code, orderId, clientOrderId, tradeId } = report;
  const isFill = kind === 'fill';
  const given = (number: number): string | undefined => (number === 0 ? undefined : String(number));
  return {
    account: String(report.account),
    reportNo: String(report.reportNo),
    kind,
    code: code === 'OK' ? undefined : code,
    symbol: report.symbolId === 0 ? undefined : report.symbol,
    side: orderId === 0 ? undefined : report.side,
    orderId: given(orderId),
    clOrdId: given(clientOrderId),
    price: isFill || report.priceTicks === 0 ? undefined : report.price,
    orderQty: isFill || orderId === 0 ? undefined : report.quantity,
    lastPx: isFill ? report.price : undefined,
    lastQty: isFill ? report.quantity : undefined,
    execId: given(tradeId),
    leavesQty: orderId === 0 ? undefined : report.leaves,
    cumQty: orderId === 0 ? undefined : report.filled,
    fee: isFill ? report.fee : undefined,
    stopPx: report.stopPrice,
  };
}
