import type { AdapterOptions, FeedFault } from '../feed.ts';
import type { FeedHandles } from './feed-handles.ts';

/** A source by configuration: a venue, and what to take from it. */
export interface WorkerSource extends AdapterOptions {
  /** Names the source in the log, status and metrics. */
  readonly name: string;
  /** A name of `VENUES`. */
  readonly venue: string;
}

export interface FeedThreadData {
  readonly handles: FeedHandles;
  readonly sources: readonly WorkerSource[];
}

export type FromFeedThread =
  | { readonly type: 'started' }
  | { readonly type: 'note'; readonly source: string; readonly fault: FeedFault; readonly text: string };

/** The only message to the thread: it ends its connections, then itself. */
export const STOP = 'stop';
