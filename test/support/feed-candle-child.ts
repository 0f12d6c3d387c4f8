/**
 * Stores the candles of one instrument in DIR until it is killed: ten trades a second of the venue's time, from trade FROM on, as a
 * venue that sends its last trades again. Prints each candle of a second that is shown as closed, from bucket SEEN on.
 */
import { BAR_FIELDS, BarField } from '../../feeds/analysis/bar-ring.ts';
import { CandleField } from '../../feeds/analysis/candles.ts';
import { FeedCandles } from '../../feeds/analysis/feed-candles.ts';
import type { BarRange } from '../../feeds/analysis/instrument-candles.ts';
import { FeedState, TakerSide } from '../../feeds/feed.ts';
import { CandleOutbox } from '../../feeds/worker/candle-outbox.ts';
import type { FeedBars } from '../../feeds/worker/feed-messages.ts';
import { FeedCandleHistory } from '../../gateway/taps/feed-candles/feed-candle-history.ts';
import { FeedCandleReader, type LiveFeeds } from '../../gateway/taps/feed-candles/feed-candle-reader.ts';

const [dataDir, fromText, seenText] = process.argv.slice(2);
const BEGIN = 1.7e9;
const RANGE = { interval: 0, to: 1e12, limit: 1e6, newest: false };
const history = new FeedCandleHistory({
  dataDir,
  keepUs: 1e13,
  mostBytes: 2 ** 30,
  onFault: (code, text) => process.stdout.write(`fault ${code} ${text}\n`),
});
const candles: FeedCandles = new FeedCandles({ left: 1e5 }, undefined, { stateOf: (row) => outbox.stateOf(0, row) });
const outbox = new CandleOutbox(history.port(), [{ name: 'venue', candles }], () => 'X');
await outbox.open();
const live = async (_source: number, row: number, range: BarRange): Promise<FeedBars> => ({
  bars: candles.bars(row, range),
  beginUs: candles.beginUs(row, range.interval),
  leftOut: candles.leftOut,
});
const feeds = { latest: { find: () => 0 }, candles: live, storedNames: ['venue'] } as unknown as LiveFeeds;
const reader = new FeedCandleReader(feeds, history);
candles.connection(FeedState.Live);
candles.scale(0, 2, 0);
let seen = BEGIN + Number(seenText);
for (let id = Number(fromText); ; ) {
  for (let i = 0; i < 50; i++, id++) {
    const timeUs = BEGIN * 1e6 + id * 1e5;
    candles.trade(0, 1000 + (id % 70), 1 + (id % 3), TakerSide.Buy, timeUs, timeUs, id);
  }
  const { bars = new Float64Array(0) } = (await reader.read(0, 'X', { ...RANGE, from: seen }, 'a')) ?? {};
  for (let at = 0; at < bars.length && bars[at + BarField.closed] === 1; at += BAR_FIELDS) {
    const second = bars[at + CandleField.start] / 1e6;
    const { open, close, volume, trades } = CandleField;
    const numbers = [open, close, volume, trades, BarField.incomplete].map((field) => bars[at + field]);
    process.stdout.write(`${second - BEGIN} ${numbers.join(' ')}\n`);
    seen = second + 1;
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}
