/**
 * The entry of the thread that stores the candles of feeds. It answers feed threads over their ports, and questions of the main
 * thread. A store that fails is not touched any more: its memory may be damaged. The thread then answers that there is nothing.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { FromCandleStore, ToCandleStore } from '../../../feeds/worker/candle-messages.ts';
import { HistoryFullError } from '../history/room.ts';
import { setStoreAside } from '../history/set-aside.ts';
import { FeedCandleStat, type FeedCandleThreadData, type FromFeedCandleThread, type ToFeedCandleThread } from './feed-candle-messages.ts';
import { FeedCandleStore, feedCandlesFault, feedCandlesPath } from './feed-candle-store.ts';
import { FeedCandleTrimmer } from './feed-candle-trimmer.ts';

const TRIM_MS = 200;
const NOTE_MS = 60_000;

if (parentPort !== null) run(parentPort, workerData as FeedCandleThreadData);

function run(parent: NonNullable<typeof parentPort>, { dataDir, keepUs, mostBytes, stats }: FeedCandleThreadData): void {
  const say = (message: FromFeedCandleThread): void => parent.postMessage(message);
  const ports = new Set<MessagePort>();
  let notedMs = Number.NEGATIVE_INFINITY;
  const onDamaged = (text: string): void => {
    stats[FeedCandleStat.damaged]++;
    if (performance.now() < notedMs + NOTE_MS) return;
    notedMs = performance.now();
    say({ type: 'fault', code: 'FEED_CANDLES_DAMAGED', text: `${text}; they are left out` });
  };
  /** Undefined: nothing is stored. */
  let store: FeedCandleStore | undefined;
  const fail = (error: unknown): void => {
    store = undefined;
    clearInterval(trimming);
    for (const port of ports) port.close();
    const { message, code } = error as NodeJS.ErrnoException;
    say({ type: 'fault', code: code === 'FEED_CANDLES_NEWER' ? code : 'FEED_CANDLES_UNUSABLE', text: message });
  };
  /** Runs a step that writes. @returns false: there is no room, or no store any more */
  const wrote = (step: () => void): boolean => {
    try {
      step();
    } catch (error) {
      if (!(error instanceof HistoryFullError)) fail(error);
      else if (stats[FeedCandleStat.failing] === 0) say({ type: 'fault', code: 'FEED_CANDLES_FULL', text: error.message });
      stats[FeedCandleStat.failing] = 1;
      return false;
    }
    if (stats[FeedCandleStat.failing] !== 0) say({ type: 'recovered' });
    stats[FeedCandleStat.failing] = 0;
    return true;
  };
  let trimmer: FeedCandleTrimmer | undefined;
  const trimming = setInterval(() => {
    if (store === undefined || stats[FeedCandleStat.failing] !== 0) return;
    wrote(() => trimmer?.poll(performance.now()));
    stats[FeedCandleStat.removed] = trimmer?.removed ?? 0;
    stats[FeedCandleStat.bytes] = store?.bytes ?? 0;
  }, TRIM_MS);
  try {
    const fault = feedCandlesFault(dataDir);
    if (fault !== undefined) {
      const kept = setStoreAside(dataDir, feedCandlesPath(dataDir));
      say({ type: 'fault', code: 'FEED_CANDLES_DAMAGED', text: `${fault}; the store was moved to ${kept}, and a new one begins` });
    }
    store = new FeedCandleStore(dataDir, onDamaged);
    trimmer = new FeedCandleTrimmer(store, keepUs, mostBytes);
  } catch (error) {
    fail(error);
  }
  const serve = (port: MessagePort): void => {
    if (store === undefined) return port.close();
    ports.add(port);
    port.on('close', () => ports.delete(port));
    port.on('message', (message: ToCandleStore) => {
      if (store === undefined) return;
      const answer = (reply: FromCandleStore): void => port.postMessage(reply);
      if (message.type === 'open') return answer({ type: 'states', states: store.statesOf(message.feeds) });
      const { pieces } = message;
      const isStored = wrote(() => {
        stats[FeedCandleStat.stored] += (store as FeedCandleStore).write(pieces);
      });
      // A port that was closed takes no answer.
      answer({ type: isStored ? 'stored' : 'unstored' });
      for (const { lost } of pieces) stats[FeedCandleStat.lost] += lost;
      stats[FeedCandleStat.refused] = store?.refused ?? stats[FeedCandleStat.refused];
    });
  };
  parent.on('message', async (message: ToFeedCandleThread) => {
    if (message.type === 'feeds') return serve(message.port);
    if (message.type === 'ask') {
      const { question, feed, instrument, range } = message;
      let bars: Float64Array | undefined;
      try {
        bars = store?.bars(feed, instrument, range);
      } catch (error) {
        fail(error);
      }
      return say({ type: 'bars', question, bars });
    }
    clearInterval(trimming);
    for (const port of ports) port.close();
    await store?.close();
    parent.close();
  });
}
