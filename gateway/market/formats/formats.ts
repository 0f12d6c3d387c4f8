import { assert } from '../../../engine/assert.ts';
import { flatbuffer } from './flatbuffer.ts';
import type { MarketFormat } from './format.ts';
import { json, jsonRaw } from './json.ts';

/** Every format, by its index. Frames are made and readers are served in this order. */
export const FORMATS: readonly MarketFormat[] = [flatbuffer, jsonRaw, json];
assert(
  FORMATS.every(({ index }, at) => index === at),
  'market formats: each stands at its index',
);

/**
 * The format of a connection, by the subprotocols that it offered: the last format
 * of the list that was offered. Without any it is the first, and the answer
 * names no subprotocol.
 */
export function chooseFormat(offered: readonly string[]): { readonly format: MarketFormat; readonly protocol: string } {
  const format = FORMATS.findLast(({ protocol }) => offered.includes(protocol));
  return { format: format ?? FORMATS[0], protocol: format?.protocol ?? '' };
}
