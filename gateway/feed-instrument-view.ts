import { type FeedFault, type FeedState, faultCode, stateName } from '../feeds/feed.ts';
import { type InstrumentTerms, instrumentStatusName } from '../feeds/instrument-terms.ts';

/** An instrument of a feed as JSON: the terms of its venue's list, as far as it has them, and the state of its book. */
export function feedInstrumentView(feed: string, state: FeedState, fault: FeedFault, terms: InstrumentTerms) {
  const { name, status, base, quote, tick, lot, priceDecimals, quantityDecimals } = terms;
  return {
    feed,
    instrument: name,
    status: instrumentStatusName(status),
    state: stateName(state),
    ...(fault !== 0 && { fault: faultCode(fault) }),
    ...(base !== '' && { base }),
    ...(quote !== '' && { quote }),
    ...(tick !== '' && { tick }),
    ...(lot !== '' && { lot }),
    ...(priceDecimals !== -1 && { priceDecimals }),
    ...(quantityDecimals !== -1 && { quantityDecimals }),
  };
}
