import { once } from 'node:events';
import { connect } from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import { getI64 } from '../../engine/units.ts';
import { CommandFrameReader } from '../../engine/wire/frames.ts';
import { Command, CommandKind, Report } from '../../engine/wire/layout.ts';
import { REPORT_WORDS, RefusalList, ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import { ListSymbolsResponseSchema } from '../../gateway/protobuf/generated/openbell/v1/market_data_pb.ts';
import { ProtoWriter } from '../../gateway/protobuf/proto-writer.ts';
import { GRPC_PREFIX_BYTES, openGrpc } from './grpc-transport.ts';
import type { OpenTransport, OrderTransport, TransportListener, TransportOptions } from './transport.ts';

const SESSION = '/openbell.v1.Trading/Session';
const LIST_SYMBOLS = '/openbell.v1.MarketData/ListSymbols';
const MOST_REPORTS = 1024;
const WORDS = Command.bytes / 4;

/** A symbol as messages have it. */
interface Named {
  readonly text: Uint8Array;
  readonly tick: Unit;
  readonly lot: Unit;
}
interface Unit {
  readonly mantissa: number;
  readonly decimals: number;
}

/**
 * The same session in protobuf: each command of a frame becomes a SessionRequest, and each SessionResponse a ReportFrame with the
 * fields that the load generator reads. So the same load drives both encodings.
 */
export async function openGrpcProto(options: TransportOptions, listener: TransportListener): Promise<OpenTransport> {
  const symbols = await listSymbols(options);
  const decoder = new ResponseDecoder();
  const { transport, lastReport } = await openGrpc(
    options,
    { onMessage: (bytes, nowMs) => listener.onMessage(decoder.frameOf(bytes), nowMs), onLost: (reason) => listener.onLost(reason) },
    SESSION,
  );
  return { transport: new ProtoTransport(transport, symbols), lastReport };
}

class ProtoTransport implements OrderTransport {
  readonly #transport: OrderTransport;
  readonly #symbols: ReadonlyMap<number, Named>;
  readonly #reader = new CommandFrameReader();
  readonly #command = new Int32Array(WORDS);
  readonly #bytes = new Uint8Array(this.#command.buffer);
  readonly #out = new ProtoWriter(0);

  constructor(transport: OrderTransport, symbols: ReadonlyMap<number, Named>) {
    this.#transport = transport;
    this.#symbols = symbols;
  }

  get waitingBytes(): number {
    return this.#transport.waitingBytes;
  }

  add(frame: Uint8Array): void {
    const reader = this.#reader;
    reader.open(frame);
    for (let i = 0; i < reader.count; i++) {
      reader.copy(i, this.#command, 0);
      this.#encode();
      this.#transport.add(this.#out.finish());
    }
  }

  flush(): void {
    this.#transport.flush();
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #encode(): void {
    const out = this.#out;
    const words = this.#command;
    const bytes = this.#bytes;
    const kind = bytes[Command.kind];
    const symbol = this.#symbols.get(words[Command.symbol / 4]) as Named;
    const id = getI64(words, Command.clientOrderId / 4);
    out.clear();
    out.number(1, words[Command.tag / 4] >>> 0);
    if (kind === CommandKind.New) {
      const begun = out.begin(2);
      out.number(2, id);
      out.text(3, symbol.text);
      out.number(4, bytes[Command.side] + 1);
      out.decimal(5, getI64(words, Command.quantity / 4), symbol.lot.mantissa, symbol.lot.decimals);
      out.decimal(6, getI64(words, Command.price / 4), symbol.tick.mantissa, symbol.tick.decimals);
      out.number(8, bytes[Command.timeInForce] + 1);
      out.end(begun);
    } else if (kind === CommandKind.Cancel) {
      const begun = out.begin(3);
      out.number(3, id);
      out.text(4, symbol.text);
      out.end(begun);
    } else throw new Error(`the load has no command of kind ${kind}`);
  }
}

/** Reads SessionResponse messages: of a report its number, kind, code and tag; of a refusal the code and tag. */
class ResponseDecoder {
  readonly #writer = new ReportFrameWriter(MOST_REPORTS);
  readonly #words = new Int32Array(REPORT_WORDS);
  readonly #view = new DataView(this.#words.buffer);
  readonly #refusals = new RefusalList();
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  frameOf(bytes: Uint8Array): Uint8Array {
    this.#bytes = bytes;
    this.#at = 0;
    while (this.#at < bytes.length) {
      const field = this.#varint() >>> 3;
      const end = this.#varint() + this.#at;
      if (field === 1) this.#report(end);
      else throw new Error('the exchange refused a command of the load before it was in the log');
      this.#at = end;
    }
    return this.#writer.finish(this.#refusals);
  }

  #report(end: number): void {
    const view = this.#view;
    this.#words.fill(0);
    while (this.#at < end) {
      const key = this.#varint();
      const value = this.#varint();
      if (key === 1 << 3) view.setBigUint64(Report.reportNo, BigInt(value), true);
      else if (key === 2 << 3) view.setUint8(Report.kind, value);
      else if (key === 3 << 3) view.setUint16(Report.code, value, true);
      else if (key === 27 << 3) view.setUint32(Report.tag, value, true);
      else if ((key & 7) === 2) this.#at += value;
    }
    this.#writer.add(this.#words, 0);
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}

async function listSymbols({ port, caller }: TransportOptions): Promise<ReadonlyMap<number, Named>> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': LIST_SYMBOLS,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...caller?.headers,
  });
  stream.end(Buffer.alloc(GRPC_PREFIX_BYTES));
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  await once(stream, 'end');
  session.close();
  const { symbols } = fromBinary(ListSymbolsResponseSchema, Buffer.concat(pieces).subarray(GRPC_PREFIX_BYTES));
  return new Map(
    symbols.map(({ id, name, tickSize, lotSize }) => [id, { text: Buffer.from(name), tick: unitOf(tickSize), lot: unitOf(lotSize) }]),
  );
}

function unitOf(text: string): Unit {
  const decimals = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
  return { mantissa: Number(text.replace('.', '')), decimals };
}
