import { createHash } from 'node:crypto';
import { fail } from '../../engine/assert.ts';
import { CommandKind } from '../../engine/wire/layout.ts';
import { MARKET_EVENT_BYTES, MarketEventKind, MarketField } from '../../engine/wire/market-event.ts';

const EVENT_DOUBLES = MARKET_EVENT_BYTES / 8;

/**
 * SHA-256 of the flow benchmark's canonical report text: a line per event,
 * stable-sorted by sequence, then by the number that leads the line.
 * @param events 64-byte events in order of arrival, with sequences that never decrease
 */
export function reportHash(events: Uint8Array<ArrayBuffer>): string {
  const hash = createHash('sha256');
  const bytes = new Uint8Array(events.buffer, events.byteOffset, events.length);
  const doubles = new Float64Array(events.buffer, events.byteOffset, events.length >> 3);
  let text = '';
  let group: string[] = [];
  let seq = -1;
  const close = (): void => {
    // Each line begins with one digit, and sort() is stable.
    group.sort((a, b) => a.charCodeAt(0) - b.charCodeAt(0));
    for (const line of group) text += text === '' ? line : `\n${line}`;
    group = [];
  };
  let first = true;
  for (let at = 0; at < doubles.length; at += EVENT_DOUBLES) {
    if (doubles[at + MarketField.seq] !== seq) {
      close();
      seq = doubles[at + MarketField.seq];
      if (text.length > 2 ** 16) {
        hash.update(first ? text : `\n${text}`);
        first = false;
        text = '';
      }
    }
    group.push(reportLine(bytes, doubles, at));
  }
  close();
  if (text !== '') hash.update(first ? text : `\n${text}`);
  return hash.digest('hex');
}

/** One line of the canonical report, of the event at double `at`. */
function reportLine(bytes: Uint8Array, doubles: Float64Array, at: number): string {
  const kind = bytes[at * 8 + MarketField.kind];
  const side = bytes[at * 8 + MarketField.side];
  const seq = doubles[at + MarketField.seq];
  const id = doubles[at + MarketField.orderId];
  const price = doubles[at + MarketField.price];
  const quantity = doubles[at + MarketField.quantity];
  switch (kind) {
    case MarketEventKind.Accepted:
      return `0,${seq},${side},${id},${price},${quantity}`;
    case MarketEventKind.Trade:
      return `1,${seq},${price},${quantity},${id},${doubles[at + MarketField.otherId]}`;
    case MarketEventKind.Remove:
      return `2,${seq},${side},${id},${price}`;
    case MarketEventKind.Amended:
      return `3,${seq},${side},${id},${price},${quantity}`;
    case MarketEventKind.Unknown:
      return `${bytes[at * 8 + MarketField.flags] === CommandKind.Cancel ? 4 : 5},${seq},${id}`;
    default:
      return fail(`flow report: event kind ${kind}`);
  }
}
