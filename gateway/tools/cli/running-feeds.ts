import { Option } from 'commander';
import type { FeedSnapshot, FeedUpdate } from '../../client/index.ts';
import { askAdmin, type ConnectionFlags } from './connection.ts';
import { CliError, ExitCode } from './exit.ts';
import type { FeedRecordView } from './feed-records.ts';
import type { SourceFlags } from './feed-source-flags.ts';

/** A source as a running exchange shows it: docs/ADMIN.md, `GET /v1/feeds/NAME`. */
export interface RunningFeed {
  readonly name: string;
  readonly state: string;
  readonly fault?: string;
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

/** A message of the stream as records: states, the book or its changes, best prices, trades. */
export function recordsOf(message: FeedSnapshot | FeedUpdate): FeedRecordView[] {
  const { kind, instrument, state, fault, best, bids = [], asks = [] } = message;
  const records: FeedRecordView[] = [];
  if (state !== undefined) records.push({ kind: 'status', instrument, state, ...(typeof fault === 'string' && { fault }) });
  if (kind === 'snapshot') records.push({ kind: 'clear', instrument });
  for (const [price, quantity] of bids) records.push({ kind: 'level', instrument, side: 'bid', price, quantity });
  for (const [price, quantity] of asks) records.push({ kind: 'level', instrument, side: 'ask', price, quantity });
  if (kind === 'snapshot' || bids.length + asks.length > 0) records.push({ kind: 'end', instrument });
  if (best !== undefined) {
    const [bid, bidQuantity] = best.bid ?? ['0', '0'];
    const [ask, askQuantity] = best.ask ?? ['0', '0'];
    records.push({ kind: 'quote', instrument, bid, bidQuantity, ask, askQuantity, ...timeOf(best.venueTimeUs) });
  }
  if (message.kind === 'update')
    for (const { price, quantity, takerSide, tradeId, venueTimeUs } of message.trades ?? [])
      records.push({
        kind: 'trade',
        instrument,
        ...(takerSide !== undefined && { side: takerSide }),
        price,
        quantity,
        ...(tradeId !== undefined && { tradeId }),
        ...timeOf(venueTimeUs),
      });
  return records;
}

function timeOf(venueTimeUs: number): { readonly venueTimeUs?: number } {
  return venueTimeUs === 0 ? {} : { venueTimeUs };
}
