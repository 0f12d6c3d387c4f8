import { type FeedFault, faultCode, stateName, TAKER_SIDE_NAMES } from '../../../feeds/feed.ts';
import { LatestValues } from '../../../feeds/rings/latest-values.ts';
import type { SourceStatus } from '../../../feeds/rings/source-status.ts';
import { decimalText } from '../../../feeds/text/decimal.ts';
import type { Feeds } from '../../../feeds/worker/feeds.ts';
import { LongList } from '../json/json-pieces.ts';
import { FEED, FEEDS } from '../json/schemas/feeds.ts';
import { HttpError } from './http-error.ts';
import { get, type Route } from './route.ts';

/** The queries of outside markets: all sources, and the instruments of one. @param feeds undefined if none are configured */
export function feedRoutes(feeds: Feeds | undefined): Route[] {
  return [
    get({
      path: '/v1/feeds',
      summary: 'The feeds of outside markets.',
      action: 'market:read',
      answer: FEEDS,
      handle: () => ({ pieces: new LongList(views(feeds?.status() ?? [], (source) => sourceView(source, feeds?.note(source.name)))) }),
    }),
    get({
      path: '/v1/feeds/:name',
      summary: 'A feed, with its instruments.',
      action: 'market:read',
      answer: FEED,
      handle: ({ params }) => {
        const { running, source, status } = feedNamed(feeds, params.name);
        return { pieces: { ...sourceView(status, running.note(status.name)), instruments: new LongList(instruments(running, source)) } };
      },
    }),
  ];
}

/** A source by name, with its number. @throws HttpError 404 */
export function feedNamed(feeds: Feeds | undefined, name: string): { running: Feeds; source: number; status: SourceStatus } {
  const sources = feeds?.status() ?? [];
  const source = sources.findIndex((each) => each.name === name);
  if (feeds !== undefined && source !== -1) return { running: feeds, source, status: sources[source] };
  const known = sources.map((each) => each.name).join(', ') || 'none';
  throw new HttpError(404, 0, 'UNKNOWN_FEED', `there is no feed ${name}; there are: ${known}`);
}

function* views<Item>(items: readonly Item[], view: (item: Item) => unknown): Generator<unknown> {
  for (const item of items) yield view(item);
}

/** @param note the last line of the log about it */
function sourceView(
  { name, state, fault, stateTimeUs, heardUs, messages, records, refused, faults }: SourceStatus,
  note: string | undefined,
) {
  const counted = faults.flatMap((count, code) => (count === 0 ? [] : [[faultCode(code as FeedFault), count] as const]));
  return {
    name,
    state: stateName(state),
    fault: fault === 0 ? undefined : faultCode(fault),
    sinceUs: stateTimeUs,
    heardUs,
    messages,
    records,
    refusedInstruments: refused,
    faults: Object.fromEntries(counted),
    note,
  };
}

/** Prices and quantities as decimal text; a side without orders, or a trade that has not been, is left out. */
function* instruments(feeds: Feeds, source: number): Generator<unknown> {
  const { latest } = feeds;
  const now = new LatestValues();
  for (let row = 0; row < latest.rows; row++) {
    latest.read(row, now);
    if (now.source !== source) continue;
    const price = (units: number) => decimalText(units, now.priceDecimals, now.priceDecimals);
    const quantity = (units: number) => decimalText(units, now.quantityDecimals, now.quantityDecimals);
    const { state, fault, stateTimeUs, quoteVenueTimeUs, quoteReceiveTimeUs, tradeVenueTimeUs, tradeReceiveTimeUs } = now;
    yield {
      name: latest.name(row),
      state: stateName(state),
      fault: fault === 0 ? undefined : faultCode(fault as FeedFault),
      sinceUs: stateTimeUs,
      bid: now.bidQuantity === 0 ? undefined : { price: price(now.bid), quantity: quantity(now.bidQuantity) },
      ask: now.askQuantity === 0 ? undefined : { price: price(now.ask), quantity: quantity(now.askQuantity) },
      quote: quoteReceiveTimeUs === 0 ? undefined : { venueTimeUs: quoteVenueTimeUs, receiveTimeUs: quoteReceiveTimeUs },
      trade:
        now.tradeQuantity === 0
          ? undefined
          : {
              price: price(now.tradePrice),
              quantity: quantity(now.tradeQuantity),
              takerSide: TAKER_SIDE_NAMES[now.takerSide],
              venueTimeUs: tradeVenueTimeUs,
              receiveTimeUs: tradeReceiveTimeUs,
            },
    };
  }
}
