import type { FeedFault } from '../feed.ts';
import type { FeedSource } from '../lines/feed-source.ts';
import type { FeedHandles } from './feed-handles.ts';

export interface FeedThreadData {
  readonly handles: FeedHandles;
  readonly sources: readonly FeedSource[];
}

export type FromFeedThread =
  | { readonly type: 'started' }
  /** Rows that the main thread watches have changed. */
  | { readonly type: 'changed' }
  | { readonly type: 'note'; readonly source: string; readonly fault: FeedFault; readonly text: string };

/** The only message to the thread: it ends its connections, then itself. */
export const STOP = 'stop';
