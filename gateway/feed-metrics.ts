import type { Registry } from 'prom-client';
import { LEFT_OUT_REASONS } from '../feeds/analysis/feed-candles.ts';
import { FEED_FAULTS, type FeedFault, FeedState, faultCode, stateName } from '../feeds/feed.ts';
import type { ConsolidatedReader } from '../feeds/rings/consolidated-table.ts';
import type { SourceStatus } from '../feeds/rings/source-status.ts';
import type { Feeds } from '../feeds/worker/feeds.ts';
import { add, type Value } from './metric.ts';
import { conditionName, SourceCondition } from './reference/reference-choice.ts';
import type { ReferenceCounters, SymbolReference } from './reference/symbol-reference.ts';
import type { FeedCandleHistoryStats } from './taps/feed-candles/feed-candle-history.ts';
import type { MirrorStatus } from './venue/mirror-simulation.ts';

/** Metrics of outside markets, and of what follows them. */

/** Stored candles of outside sources. */
export function addFeedCandleMetrics(registry: Registry, stats: () => FeedCandleHistoryStats | undefined): void {
  const all = (name: string, help: string, type: 'gauge' | 'counter', read: (stats: FeedCandleHistoryStats) => number) =>
    add(registry, `openbell_feed_candle_${name}`, help, type, () => {
      const now = stats();
      return now === undefined ? [] : [{ value: read(now) }];
    });
  all('stored_total', 'Closed candles of feeds that were stored', 'counter', ({ stored }) => stored);
  all('lost_total', 'Closed candles of feeds that were dropped before the disk had room for them', 'counter', ({ lost }) => lost);
  all(
    'refused_total',
    'Batches of an instrument that the store of candles of feeds has no number for',
    'counter',
    ({ refused }) => refused,
  );
  all(
    'damaged_total',
    'Rows of the store of candles of feeds that were read and have a wrong checksum',
    'counter',
    ({ damaged }) => damaged,
  );
  all('removed_total', 'Candles of feeds that were removed: too old, or to make room', 'counter', ({ removed }) => removed);
  all('store_bytes', 'Pages in use of the store of candles of feeds', 'gauge', ({ bytes }) => bytes);
  all('store_failing', '1 while candles of feeds cannot be stored', 'gauge', ({ failing }) => (failing ? 1 : 0));
}

/** Outside sources. */
export function addFeedMetrics(registry: Registry, feeds: Feeds): void {
  const ofSources = (name: string, help: string, type: 'gauge' | 'counter', read: (source: SourceStatus) => number) =>
    add(registry, `openbell_feed_${name}`, help, type, () =>
      feeds.status().map((source) => ({ labels: { feed: source.name }, value: read(source) })),
    );
  // A file that has ended is no fault: it has no value.
  add(registry, 'openbell_feed_connected', '1 while the connection of a feed is open, or its file is played', 'gauge', () =>
    feeds
      .status()
      .filter(({ state }) => state !== FeedState.Ended)
      .map(({ name, state }) => ({ labels: { feed: name }, value: state === FeedState.Live ? 1 : 0 })),
  );
  ofSources(
    'heard_seconds',
    'When the last frame or answer of a feed came, since 1970; 0 before the first',
    'gauge',
    ({ heardUs }) => heardUs / 1e6,
  );
  ofSources('messages_total', 'Frames and answers of a feed', 'counter', ({ messages }) => messages);
  ofSources('records_total', 'Records that a feed wrote', 'counter', ({ records }) => records);
  ofSources(
    'refused_instruments',
    'Instruments of a feed that the table of newest values has no room for',
    'gauge',
    ({ refused }) => refused,
  );
  add(registry, 'openbell_feed_faults_total', 'Faults of a feed, by code', 'counter', () =>
    feeds.status().flatMap(({ name, faults }) =>
      Array.from({ length: FEED_FAULTS - 1 }, (_, i) => ({
        labels: { feed: name, fault: faultCode((i + 1) as FeedFault) },
        value: faults[i + 1],
      })),
    ),
  );
  add(registry, 'openbell_feed_instruments', 'Instruments of a feed, by the state of their book', 'gauge', () => {
    const sources = feeds.status();
    return feeds
      .instrumentStates()
      .flatMap((counts, source) =>
        counts.map((value, state) => ({ labels: { feed: sources[source].name, state: stateName(state as FeedState) }, value })),
      );
  });
  add(
    registry,
    'openbell_feed_reader_missed_total',
    'Records that were overwritten before a reader of the process took them',
    'counter',
    () => feeds.readers.map(({ name, reader }) => ({ labels: { reader: name }, value: reader.missedTotal })),
  );
  add(
    registry,
    'openbell_feed_candle_left_out_total',
    'Trades of a feed that are in no candle, or not in all, by reason',
    'counter',
    () => {
      const sources = feeds.status();
      return feeds
        .leftOut()
        .flatMap((left, source) =>
          LEFT_OUT_REASONS.map((reason) => ({ labels: { feed: sources[source].name, reason }, value: left[reason] })),
        );
    },
  );
  const ofBooks = (name: string, help: string, read: (book: ConsolidatedReader) => number) =>
    add(registry, `openbell_feed_book_${name}`, help, 'gauge', () =>
      feeds.books.map((book) => {
        book.read();
        return { labels: { book: book.spec.name }, value: read(book) };
      }),
    );
  ofBooks(
    'live_sources',
    'Sources whose levels are in a consolidated book',
    (book) => book.spec.sources.filter((_, source) => book.state(source) === FeedState.Live).length,
  );
  ofBooks(
    'crossing',
    'Best bid of a consolidated book to its best ask: 0 below, 1 equal (locked), 2 above (crossed)',
    ({ crossing }) => crossing,
  );
}

/** The market of an outside source; without one the metrics have no values. */
export function addMirrorMetrics(registry: Registry, mirror: () => MirrorStatus | undefined): void {
  const ofMirror = (name: string, help: string, type: 'gauge' | 'counter', read: (status: MirrorStatus) => readonly Value[]) =>
    add(registry, `openbell_mirror_${name}`, help, type, () => {
      const status = mirror();
      return status === undefined ? [] : read(status);
    });
  ofMirror('commands_total', 'Commands of the mirror, by kind', 'counter', ({ commands }) =>
    Object.entries(commands).map(([command, value]) => ({ labels: { command }, value })),
  );
  ofMirror('rejects_total', 'Orders and amends of the mirror that the exchange rejected', 'counter', ({ rejects }) => [{ value: rejects }]);
  ofMirror(
    'withdrawals_total',
    'Times that the quotes of a symbol were withdrawn because its instrument was not live',
    'counter',
    (status) => [{ value: status.withdrawals }],
  );
  ofMirror('dropped_trades_total', 'Trades of the source that the mirror did not follow', 'counter', ({ droppedTrades }) => [
    { value: droppedTrades },
  ]);
  ofMirror(
    'symbols',
    'Symbols that have an instrument of the source, by whether their quotes follow it',
    'gauge',
    ({ quoted, withdrawn }) => [
      { labels: { state: 'quoted' }, value: quoted },
      { labels: { state: 'withdrawn' }, value: withdrawn },
    ],
  );
  ofMirror('source_connected', '1 while the source that the mirror follows is connected', 'gauge', ({ source, connected }) => [
    { labels: { feed: source }, value: connected ? 1 : 0 },
  ]);
}

/** Reference prices from outside sources. */
export function addReferenceMetrics(registry: Registry, references: readonly SymbolReference[], symbolName: (id: number) => string): void {
  const ofSymbols = (read: (reference: SymbolReference) => number) => () =>
    references.map((reference) => ({ labels: { symbol: symbolName(reference.id) }, value: read(reference) }));
  const count = (name: string, help: string, read: (counters: ReferenceCounters) => number): void =>
    add(
      registry,
      name,
      help,
      'counter',
      ofSymbols(({ counters }) => read(counters)),
    );
  add(
    registry,
    'openbell_reference_stale',
    '1 while no outside source of a reference price is usable',
    'gauge',
    ofSymbols(({ state }) => Number(state === 'stale')),
  );
  add(
    registry,
    'openbell_reference_source',
    'The outside source that gives a reference price: its place in the list, from 1; 0 = none',
    'gauge',
    ofSymbols(({ state, choice }) => (state === 'live' ? choice.chosen + 1 : 0)),
  );
  count('openbell_reference_updates_total', 'Reference prices that the engine took from outside sources', ({ updates }) => updates);
  count('openbell_reference_switches_total', 'Changes of the outside source of a reference price', ({ switches }) => switches);
  count('openbell_reference_retries_total', 'Commands of references that the exchange did not take', ({ retries }) => retries);
  count('openbell_reference_rejects_total', 'Commands of references that the engine rejected', ({ rejected }) => rejected);
  count('openbell_reference_halts_total', 'Halts of symbols whose reference price was stale', ({ halts }) => halts);
  add(registry, 'openbell_reference_refused_total', 'Outside prices that were not taken, by reason', 'counter', () =>
    references.flatMap(({ id, counters }) =>
      [SourceCondition.OutOfRange, SourceCondition.Jump].map((condition) => ({
        labels: { symbol: symbolName(id), reason: conditionName(condition) },
        value: counters.refused[condition],
      })),
    ),
  );
}
