import type { ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import type { ReportArchive, ReportCursor, ReportListener } from './report-cursor.ts';
import type { ReportHub } from './report-hub.ts';

/** The reports of one account of a drop copy. */
interface Feed extends ReportListener {
  readonly cursor: ReportCursor;
  /** It is in the queue of feeds with reports to send, or waits for its turn at the archive. */
  queued: boolean;
}

/**
 * The accounts of one drop copy, merged: accounts take turns, the reports of each are in order. Reports are read from the
 * archive for one account at a time, so a drop copy holds one read of it, however many of its accounts are behind.
 * I/O thread.
 */
export class CopyFeeds {
  readonly #hub: ReportHub;
  readonly #archive: ReportArchive;
  readonly #onReady: () => void;
  readonly #onLost: (error: Error) => void;
  readonly #feeds: Feed[] = [];
  /** Feeds that may have reports to send; the next one first. */
  #ready: Feed[] = [];
  /** The feed that reads the archive, and those that wait for it. */
  #reader: Feed | undefined;
  readonly #behind: Feed[] = [];

  /**
   * @param onReady called when there may be more to `fill`
   * @param onLost called when reports can no longer be read
   */
  constructor(hub: ReportHub, archive: ReportArchive, onReady: () => void, onLost: (error: Error) => void) {
    this.#hub = hub;
    this.#archive = archive;
    this.#onReady = onReady;
    this.#onLost = onLost;
  }

  /** Adds an account, once. The reports after number `sent` are sent. */
  add(account: number, sent: number): void {
    const feed: { cursor?: ReportCursor } & Omit<Feed, 'cursor'> = {
      queued: false,
      onReportsReady: () => {
        this.#queue(feed as Feed);
        this.#onReady();
      },
      onReportsLost: (error) => this.#onLost(error),
    };
    feed.cursor = this.#hub.open(account, sent, feed, this.#archive);
    this.#feeds.push(feed as Feed);
    this.#queue(feed as Feed);
  }

  /** Moves reports into the frame until it is full or there are none. True: it is full, and there may be more. */
  fill(frame: ReportFrameWriter): boolean {
    // A feed that cannot go on is not queued again, so this ends.
    while (!frame.full) {
      const feed = this.#ready.shift();
      if (feed === undefined) return false;
      feed.queued = false;
      const { cursor } = feed;
      if (cursor.archived && this.#mustWait(feed)) continue;
      cursor.fill(frame);
      if (this.#reader === feed && !cursor.archived) this.#pass();
      if (frame.full && cursor.backlog() !== 0) this.#queue(feed);
    }
    return this.#ready.length !== 0;
  }

  close(): void {
    for (const { cursor } of this.#feeds) this.#hub.close(cursor);
    this.#ready = [];
  }

  #queue(feed: Feed): void {
    if (feed.queued) return;
    feed.queued = true;
    this.#ready.push(feed);
  }

  /** Whether another feed reads the archive. */
  #mustWait(feed: Feed): boolean {
    this.#reader ??= feed;
    if (this.#reader === feed) return false;
    feed.queued = true;
    this.#behind.push(feed);
    return true;
  }

  /** The next feed may read the archive. */
  #pass(): void {
    this.#reader = this.#behind.shift();
    if (this.#reader !== undefined) this.#ready.push(this.#reader);
  }
}
