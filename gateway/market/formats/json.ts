import { jsonFrame, parseJsonRequest } from '../../../engine/wire/market-json.ts';
import type { MarketFormat } from './format.ts';

/** Text messages, with the names and numbers of the wire schema in snake case. */
export const json: MarketFormat = {
  index: 1,
  protocol: 'json',
  binary: false,
  unread: -1,
  // Text carries no schema number that could differ.
  request: (bytes) => ({ ...parseJsonRequest(bytes), version: 0 }),
  frame: (arena, head, symbol, structs) => arena.text(jsonFrame(head, symbol, structs)),
};
