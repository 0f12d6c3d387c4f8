import { Option } from 'commander';
import { askAdmin, type ConnectionFlags } from './connection.ts';
import { CliError, ExitCode } from './exit.ts';
import type { FeedRecordView } from './feed-records.ts';
import type { SourceFlags } from './feed-source-flags.ts';

/** A source as a running exchange shows it: docs/ADMIN.md, `GET /v1/feeds/NAME`. */
export interface RunningFeed {
  readonly name: string;
  readonly state: string;
  readonly fault?: string;
  /** The last line of the log about it. */
  readonly note?: string;
  readonly instruments: readonly RunningInstrument[];
}

interface Side {
  readonly price: string;
  readonly quantity: string;
}

export interface RunningInstrument {
  readonly name: string;
  readonly state: string;
  readonly fault?: string;
  readonly bid?: Side;
  readonly ask?: Side;
  readonly quote?: { readonly venueTimeUs: number; readonly receiveTimeUs: number };
  readonly trade?: Side & { readonly takerSide?: 'buy' | 'sell'; readonly venueTimeUs: number; readonly receiveTimeUs: number };
}

export interface RunningFlags extends SourceFlags, ConnectionFlags {
  readonly running?: true;
}

export function runningOption(): Option {
  return new Option('--running', 'ask the running exchange, which is the default if nothing says what to connect to');
}

/** Whether the running exchange is asked: nothing in the flags says what to connect to from here. */
export function asksExchange({ running, config, instruments, depth, wsUrl, httpUrl }: RunningFlags): boolean {
  return running === true || [config, instruments, depth, wsUrl, httpUrl].every((flag) => flag === undefined);
}

/** A source of the running exchange, or all of them. @throws CliError, with exit code `Unreachable` if no exchange answers */
export async function runningFeeds(flags: RunningFlags, name: string | undefined): Promise<RunningFeed[]> {
  const names =
    name === undefined ? (await askAdmin<readonly { readonly name: string }[]>(flags, '/v1/feeds')).map((feed) => feed.name) : [name];
  const feeds: RunningFeed[] = [];
  for (const each of names) feeds.push(await askAdmin<RunningFeed>(flags, `/v1/feeds/${encodeURIComponent(each)}`));
  return feeds;
}

/** What `ask` gives; undefined if no exchange answers and `--running` does not require one. */
export async function ifRunning<T>(flags: RunningFlags, ask: () => Promise<T>): Promise<T | undefined> {
  if (!asksExchange(flags)) return undefined;
  try {
    return await ask();
  } catch (error) {
    if (flags.running !== true && error instanceof CliError && error.exitCode === ExitCode.Unreachable) return undefined;
    throw error;
  }
}

/** What is new in `now`, as records: states, best prices and the last trade. @param before undefined: everything is new */
export function changesOf(before: RunningFeed | undefined, now: RunningFeed): FeedRecordView[] {
  const records: FeedRecordView[] = [];
  if (before === undefined || before.state !== now.state || before.fault !== now.fault) records.push(status(now));
  for (const instrument of now.instruments) {
    const { name, bid, ask, quote, trade } = instrument;
    const old = before?.instruments.find((one) => one.name === name);
    if (old === undefined || old.state !== instrument.state || old.fault !== instrument.fault)
      records.push({ ...status(instrument), instrument: name });
    if (quote !== undefined && quote.receiveTimeUs !== old?.quote?.receiveTimeUs)
      records.push({
        kind: 'quote',
        instrument: name,
        bid: bid?.price ?? '0',
        bidQuantity: bid?.quantity ?? '0',
        ask: ask?.price ?? '0',
        askQuantity: ask?.quantity ?? '0',
        ...timeOf(quote.venueTimeUs),
      });
    if (trade !== undefined && trade.receiveTimeUs !== old?.trade?.receiveTimeUs)
      records.push({
        kind: 'trade',
        instrument: name,
        ...(trade.takerSide !== undefined && { side: trade.takerSide }),
        price: trade.price,
        quantity: trade.quantity,
        ...timeOf(trade.venueTimeUs),
      });
  }
  return records;
}

function status({ state, fault }: { readonly state: string; readonly fault?: string }): FeedRecordView {
  return { kind: 'status', state, ...(fault !== undefined && { fault }) };
}

function timeOf(venueTimeUs: number): { readonly venueTimeUs?: number } {
  return venueTimeUs === 0 ? {} : { venueTimeUs };
}
