import type { AccountInfo } from '../../engine/threads/directory-info.ts';
import { FeedState } from '../../feeds/feed.ts';
import { LatestValues } from '../../feeds/rings/latest-values.ts';
import type { Feeds } from '../../feeds/worker/feeds.ts';

/** What an account holds of an asset, or what its open orders reserve of it; in its smallest unit. @param account undefined: there is none */
export function holding(account: AccountInfo | undefined, asset: number, which: 'position' | 'exposure'): number {
  if (account === undefined) return Number.NaN;
  const balance = account.balances.find((each) => each.asset.id === asset);
  if (balance === undefined) return 0;
  return which === 'exposure' ? balance.reserved : balance.available + balance.reserved;
}

/** 1 if a feed, or an instrument of it, has no current prices, else 0; NaN: there is no such feed or instrument yet. @param instrument empty: the feed */
export function staleness(feeds: Feeds | undefined, feed: string, instrument: string): number {
  if (feeds === undefined) return Number.NaN;
  const sources = feeds.status();
  const source = sources.findIndex(({ name }) => name === feed);
  if (source === -1) return Number.NaN;
  if (instrument === '') return sources[source].state === FeedState.Live ? 0 : 1;
  const row = feeds.latest.find(source, instrument);
  if (row === -1) return Number.NaN;
  const now = new LatestValues();
  feeds.latest.read(row, now);
  return now.state === FeedState.Live ? 0 : 1;
}
