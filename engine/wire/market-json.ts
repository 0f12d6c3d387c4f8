import { codeName } from '../codes.ts';
import { CHANNELS } from './channels/channels.ts';
import type { JsonBytes, JsonField, SymbolScale } from './json-bytes.ts';
import { FrameKind } from './layout.ts';
import type { FrameHead, StructList } from './market-frames.ts';
import { FRAME_KIND_NAMES } from './names.ts';

/** The symbol of a frame: its name, `*` for every one, `?` for an unknown one; and what its ticks and lots are worth. */
export interface FrameSymbol {
  readonly name: string;
  readonly scale: SymbolScale;
}

/** One way to write market frames as JSON. */
export interface JsonStyle {
  /** Fields of the structs, by Channel. */
  readonly fields: readonly (readonly JsonField[])[];
  /** A whole frame without structs, or the start of one with structs. */
  readonly head: (head: FrameHead, symbol: string, hasStructs: boolean) => string;
}

/** Appends a market frame. */
export function jsonFrame(out: JsonBytes, style: JsonStyle, head: FrameHead, symbol: FrameSymbol, structs: StructList | undefined): void {
  out.text(style.head(head, symbol.name, structs !== undefined));
  if (structs === undefined) return;
  jsonStructs(out, style.fields[head.channel], structs, symbol.scale, 0, structs.count);
  out.text(JSON_END);
}

/** End of a frame with structs. */
export const JSON_END = ']}';

/** Appends the structs [from, end) of a frame, with the commas before and between them. */
export function jsonStructs(
  out: JsonBytes,
  fields: readonly JsonField[],
  { words, bytes }: StructList,
  scale: SymbolScale,
  from: number,
  end: number,
): void {
  for (let i = from; i < end; i++) {
    if (i !== 0) out.text(',');
    out.struct(fields, words, (i * bytes) >> 2, scale);
  }
}

/** Names and numbers of the wire schema: snake case, prices in ticks, quantities in lots. */
export const RAW_JSON: JsonStyle = {
  fields: CHANNELS.map(({ json }) => json),
  head: (head, symbol, hasStructs) => {
    const { kind } = head;
    let text = `{"kind":"${FRAME_KIND_NAMES[kind]}"`;
    if (kind === FrameKind.Heartbeat) return `${text},"first_no":${head.firstNo},"time_us":${head.timeUs}}`;
    if (kind === FrameKind.Pong || kind === FrameKind.Time) return `${text},"tag":${head.tag},"time_us":${head.timeUs}}`;
    text += channelText(head.channel, symbol);
    if (kind === FrameKind.Refused) text += `,"code":${head.code},"name":"${codeName(head.code)}"`;
    if (!hasStructs) return `${text},"tag":${head.tag},"time_us":${head.timeUs}}`;
    return `${text},"first_no":${head.firstNo},"time_us":${head.timeUs},"${CHANNELS[head.channel].vectorName}":[`;
  },
};

/** Names in camel case, prices, quantities and money as decimal text, ids as text. */
export const DECIMAL_JSON: JsonStyle = {
  fields: CHANNELS.map(({ decimal }) => decimal),
  head: (head, symbol, hasStructs) => {
    const { kind, timeUs } = head;
    let text = `{"kind":"${FRAME_KIND_NAMES[kind]}"`;
    if (kind === FrameKind.Heartbeat) return `${text},"firstNo":${head.firstNo},"timeUs":${timeUs}}`;
    if (kind === FrameKind.Pong) return `${text},"tag":${head.tag},"timeUs":${timeUs}}`;
    if (kind === FrameKind.Time) return `${text},"tag":${head.tag},"timeUs":${timeUs},"time":"${new Date(timeUs / 1000).toISOString()}"}`;
    text += channelText(head.channel, symbol);
    if (kind === FrameKind.Refused)
      text += `,"code":${head.code},"name":"${codeName(head.code)}","text":${JSON.stringify(head.text ?? '')}`;
    if (!hasStructs) return `${text},"tag":${head.tag},"timeUs":${timeUs}}`;
    return `${text},"firstNo":${head.firstNo},"timeUs":${timeUs},"${CHANNELS[head.channel].vectorName}":[`;
  },
};

/** @param channel -1: an unknown one */
function channelText(channel: number, symbol: string): string {
  const { textName = '?', depth = 0 } = CHANNELS[channel] ?? {};
  return `,"channel":"${textName}"${depth === 0 ? '' : `,"depth":${depth}`},"symbol":"${symbol}"`;
}
