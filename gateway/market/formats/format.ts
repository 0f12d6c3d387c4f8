import type { Code } from '../../../engine/codes.ts';
import type { FrameArena, FrameHead, StructList } from '../../../engine/wire/market-frames.ts';
import type { FrameSymbol } from '../../../engine/wire/market-json.ts';

/**
 * A reader's request; `symbol` is an id, a name, or `*`. When `code` is not OK, `tag`, `channel` and `symbol` are what could
 * be read, for the answer: else 0, or, in a format that can say so, -1 for channel and symbol. The other fields are then invalid.
 */
export interface MarketAsk {
  readonly code: Code;
  /** A MarketOp. */
  readonly op: number;
  readonly channel: number;
  readonly symbol: string | number;
  readonly tag: number;
  /** Wire schema of the frames to this reader; 0 = unchanged. */
  readonly version: number;
  /** Trades that snapshots of the subscription have, at most. */
  readonly last: number;
  /** What is wrong, where the format has a text for it. */
  readonly text: string;
}

/** Encoding of a connection, selected by the WebSocket subprotocol. */
export interface MarketFormat {
  /** Index into lists that have an entry per format. */
  readonly index: number;
  readonly protocol: string;
  /** Whether its messages are binary; a message of the other kind is malformed. */
  readonly binary: boolean;
  /** Channel and symbol in the answer to a request in which they cannot be read. */
  readonly unread: 0 | -1;
  /** Reads a request with untrusted content. Never throws. Valid until the next call. */
  readonly request: (bytes: Uint8Array) => MarketAsk;
  /**
   * Writes a frame into the arena; valid until that is reset.
   * @param symbol that of `head.symbol`
   * @param structs of `head.channel`; undefined in frames that carry no state
   */
  readonly frame: (arena: FrameArena, head: FrameHead, symbol: FrameSymbol, structs: StructList | undefined) => Uint8Array;
  /**
   * Writes a long frame in steps, into memory of its own.
   * @param fill writes the structs
   * @param most structs
   */
  readonly frameInSteps: (
    head: FrameHead,
    symbol: FrameSymbol,
    fill: (list: StructList) => Generator<undefined, void>,
    most: number,
  ) => Generator<undefined, Uint8Array>;
}
