import { getI64 } from '../../units.ts';
import type { JsonField } from '../json-bytes.ts';
import type { Channel } from '../layout.ts';

/**
 * One market-data channel on the wire: its struct, the position of its vector in
 * a MarketFrame, and its text. The server side is in gateway/market/channels/.
 */
export interface ChannelWire<Update = unknown> {
  readonly id: Channel;
  /** Name in the client. */
  readonly name: string;
  /** Name in JSON requests and frames, together with `depth`. */
  readonly textName: string;
  /** Levels of each side that it shows; 0: it has no such limit. */
  readonly depth: number;
  /** Bytes of the struct, a multiple of 8. */
  readonly structBytes: number;
  /** Field of the channel's vector in the MarketFrame table, counted from 0. */
  readonly vectorField: number;
  /** Name of the vector in JSON. */
  readonly vectorName: string;
  /** Fields that are 0 or 1 in JSON and a boolean in the client. */
  readonly flags: readonly string[];
  /** False: a snapshot contains only the number of the last update; the history contains the updates up to it. */
  readonly snapshotHasUpdates: boolean;
  /** The struct in raw JSON: snake case, ticks and lots. */
  readonly json: readonly JsonField[];
  /** The struct in decimal JSON: camel case, decimal text. */
  readonly decimal: readonly JsonField[];
  /** The struct at word `at` as an object for the client. */
  readonly read: (words: Int32Array, at: number) => Update;
}

/** The 64-bit field at byte `field` of the struct at word `at`. */
export function i64(words: Int32Array, at: number, field: number): number {
  return getI64(words, at + (field >> 2));
}
