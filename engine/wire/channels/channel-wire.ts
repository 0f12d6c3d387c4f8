import { getI64 } from '../../units.ts';
import type { Channel } from '../layout.ts';

/**
 * One market-data channel on the wire: its struct, where its vector stands in a
 * MarketFrame, and its text. What the server does to fill it is in
 * gateway/market/channels/.
 */
export interface ChannelWire<Update = unknown> {
  readonly id: Channel;
  /** In requests, frames and the client. */
  readonly name: string;
  /** Bytes of the struct, a multiple of 8. */
  readonly structBytes: number;
  /** Field of the channel's vector in the MarketFrame table, counted from 0. */
  readonly vectorField: number;
  /** Name of the vector in JSON. */
  readonly vectorName: string;
  /** Fields that are 0 or 1 in JSON and a boolean in the client. */
  readonly flags: readonly string[];
  /** False: a snapshot carries only the number of the last update; the updates up to it are in the history. */
  readonly snapshotHasUpdates: boolean;
  /** The struct at word `at` as JSON text (ASCII), in snake case. */
  readonly json: (words: Int32Array, at: number) => string;
  /** The struct at word `at` as the client shows it. */
  readonly read: (words: Int32Array, at: number) => Update;
}

/** The 64-bit field at byte `field` of the struct at word `at`. */
export function i64(words: Int32Array, at: number, field: number): number {
  return getI64(words, at + (field >> 2));
}
