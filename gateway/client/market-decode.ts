import { Code, codeName } from '../../engine/codes.ts';
import { CHANNEL_NAMES, CHANNELS, type ChannelName, type UpdateOf } from '../../engine/wire/channels/channels.ts';
import { camelCase } from '../../engine/wire/json-bytes.ts';
import { FrameKind } from '../../engine/wire/layout.ts';
import { MarketFrameReader } from '../../engine/wire/market-frames.ts';
import { FRAME_KIND_NAMES, type FrameKindName } from '../../engine/wire/names.ts';
import { jsonProblem } from '../json-problem.ts';
import { OpenbellError } from './errors.ts';

export type { BboView } from '../../engine/wire/channels/bbo.ts';
export type { LevelView } from '../../engine/wire/channels/book.ts';
export type { OrderView } from '../../engine/wire/channels/book-l3.ts';
export type { CandleView } from '../../engine/wire/channels/candles.ts';
export type { StatusView } from '../../engine/wire/channels/status.ts';
export type { TickerView } from '../../engine/wire/channels/ticker.ts';
export type { TradeView } from '../../engine/wire/channels/trades.ts';
export type { PhaseName, SubPhaseName } from '../../engine/wire/names.ts';
export type { UpdateOf };

/** A market-data frame. `updates` are of the channel. */
export interface MarketFrameView<C extends ChannelName = ChannelName> {
  readonly kind: FrameKindName;
  readonly channel: C;
  /** Id in the binary format, name in JSON; 0 or `*` = every symbol. */
  readonly symbol: number | string;
  /** Name of the code; OK unless the frame is a reject. */
  readonly code: string;
  readonly tag: number;
  /** Delta: number of the first update. Snapshot: number of the last update in it. */
  readonly firstNo: number;
  /** When the exchange sent it, µs since the epoch. */
  readonly timeUs: number;
  readonly updates: readonly UpdateOf[C][];
}

const reader = new MarketFrameReader();

/** @throws OpenbellError MALFORMED_FRAME, WRONG_SCHEMA_VERSION or BAD_ENUM */
export function decodeBinary(bytes: Uint8Array): MarketFrameView {
  const code = reader.open(bytes);
  if (code !== Code.OK) {
    throw new OpenbellError(
      codeName(code),
      `${codeName(code)}: the client cannot read this market data; do client and exchange have the same version?`,
      code,
    );
  }
  const { kind, channel, words, at, count } = reader;
  const { read, structBytes } = CHANNELS[channel];
  const size = structBytes / 4;
  const updates = new Array<UpdateOf[ChannelName]>(count);
  for (let i = 0; i < count; i++) updates[i] = read(words, at + i * size);
  return {
    kind: FRAME_KIND_NAMES[kind],
    channel: CHANNEL_NAMES[channel],
    symbol: reader.symbol,
    code: codeName(reader.code),
    tag: reader.tag,
    firstNo: reader.firstNo,
    timeUs: reader.timeUs,
    updates,
  };
}

/** @throws OpenbellError MALFORMED_FRAME */
export function decodeJson(text: string): MarketFrameView {
  try {
    const frame = JSON.parse(text, named);
    const { channel: textName = CHANNEL_NAMES[0], depth: levels = 0 } = frame;
    const channel = CHANNELS.findIndex((wire) => wire.textName === textName && wire.depth === levels);
    const updates = (frame[CHANNELS[channel]?.vectorName] ?? []) as UpdateOf[ChannelName][];
    const { kind, symbol = '*', name = 'OK', tag = 0, firstNo = 0, timeUs = 0 } = frame;
    return { kind, channel: CHANNEL_NAMES[channel], symbol, code: name, tag, firstNo, timeUs, updates };
  } catch (error) {
    throw new OpenbellError('MALFORMED_FRAME', `MALFORMED_FRAME: the market data is not JSON (${jsonProblem(error)}): is it openbell?`);
  }
}

/** Fields of any channel that are 0 or 1 in JSON. */
const FLAGS = new Set(CHANNELS.flatMap(({ flags }) => flags));

/** Reviver: `order_id` becomes `orderId`, and a flag's 0 or 1 a boolean. */
function named(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const fields: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const name = camelCase(key);
    fields[name] = FLAGS.has(name) ? field === 1 : field;
  }
  return fields;
}

/** Whether the channel of a reject or an answer carries state. */
export function carriesState(frame: MarketFrameView): boolean {
  return frame.kind === FRAME_KIND_NAMES[FrameKind.Snapshot] || frame.kind === FRAME_KIND_NAMES[FrameKind.Delta];
}
