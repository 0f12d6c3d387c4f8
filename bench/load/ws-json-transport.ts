import { unitsToDecimal } from '../../engine/decimal.ts';
import { getI64 } from '../../engine/units.ts';
import { CommandFrameReader } from '../../engine/wire/frames.ts';
import { Command, CommandKind, Report, ReportKind } from '../../engine/wire/layout.ts';
import { SIDE_NAMES, TIME_IN_FORCE_NAMES } from '../../engine/wire/names.ts';
import { REPORT_WORDS, RefusalList, ReportFrameWriter } from '../../engine/wire/report-frames.ts';
import type { LoadSymbol } from './order-flow.ts';
import type { OpenTransport, OrderTransport, TransportListener, TransportOptions } from './transport.ts';
import { TEXT } from './websocket.ts';
import { connectWebSocket } from './ws-transport.ts';

const MOST_REPORTS = 1024;
const WORDS = Command.bytes / 4;
/** Of reports that the load causes. */
const KINDS = new Map<string, ReportKind>([
  ['new', ReportKind.Accepted],
  ['rejected', ReportKind.Rejected],
  ['trade', ReportKind.Fill],
  ['canceled', ReportKind.Cancelled],
  ['cancel-rejected', ReportKind.CancelRejected],
]);

interface Unit {
  readonly mantissa: number;
  readonly decimals: number;
}
interface Named {
  readonly name: string;
  readonly tick: Unit;
  readonly lot: Unit;
}

/** A message of the exchange, as far as the load generator reads it. */
interface Message {
  readonly kind: string;
  readonly reports?: readonly { readonly reportNo: number; readonly execType: string; readonly code?: number; readonly tag?: number }[];
}

/**
 * The same session in JSON: each command of a frame becomes a request, and each message of reports a ReportFrame with the fields that the
 * load generator reads. So the same load drives both encodings.
 */
export async function openWebSocketJson(options: TransportOptions, listener: TransportListener): Promise<OpenTransport> {
  const decoder = new MessageDecoder();
  const onMessage = (bytes: Uint8Array, nowMs: number): void => {
    const frame = decoder.frameOf(bytes);
    if (frame !== undefined) listener.onMessage(frame, nowMs);
  };
  const { transport, lastReport } = await connectWebSocket(
    options,
    { onMessage, onLost: (reason) => listener.onLost(reason) },
    { opcode: TEXT, protocol: 'json' },
  );
  return { transport: new JsonTransport(transport, options.symbols ?? []), lastReport };
}

class JsonTransport implements OrderTransport {
  readonly #transport: OrderTransport;
  readonly #symbols: ReadonlyMap<number, Named>;
  readonly #reader = new CommandFrameReader();
  readonly #command = new Int32Array(WORDS);
  readonly #bytes = new Uint8Array(this.#command.buffer);

  constructor(transport: OrderTransport, symbols: readonly LoadSymbol[]) {
    this.#transport = transport;
    this.#symbols = new Map(symbols.map(({ id, name, tickSize, lotSize }) => [id, { name, tick: unitOf(tickSize), lot: unitOf(lotSize) }]));
  }

  get waitingBytes(): number {
    return this.#transport.waitingBytes;
  }

  add(frame: Uint8Array): void {
    const reader = this.#reader;
    reader.open(frame);
    for (let i = 0; i < reader.count; i++) {
      reader.copy(i, this.#command, 0);
      this.#transport.add(Buffer.from(this.#request(), 'latin1'));
    }
  }

  flush(): void {
    this.#transport.flush();
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #request(): string {
    const words = this.#command;
    const bytes = this.#bytes;
    const kind = bytes[Command.kind];
    const { name, tick, lot } = this.#symbols.get(words[Command.symbol / 4]) as Named;
    const ids = `"tag":${words[Command.tag / 4] >>> 0},"clOrdId":"${getI64(words, Command.clientOrderId / 4)}","symbol":"${name}"`;
    if (kind === CommandKind.Cancel) return `{"op":"cancel",${ids}}`;
    if (kind !== CommandKind.New) throw new Error(`the load has no command of kind ${kind}`);
    const quantity = unitsToDecimal(getI64(words, Command.quantity / 4), lot.mantissa, lot.decimals);
    const price = unitsToDecimal(getI64(words, Command.price / 4), tick.mantissa, tick.decimals);
    const terms = `"side":"${SIDE_NAMES[bytes[Command.side]]}","timeInForce":"${TIME_IN_FORCE_NAMES[bytes[Command.timeInForce]]}"`;
    return `{"op":"place",${ids},${terms},"orderQty":"${quantity}","price":"${price}"}`;
  }
}

/** Reads messages of reports: of a report its number, kind, code and tag. */
class MessageDecoder {
  readonly #writer = new ReportFrameWriter(MOST_REPORTS);
  readonly #words = new Int32Array(REPORT_WORDS);
  readonly #view = new DataView(this.#words.buffer);
  readonly #refusals = new RefusalList();

  /** Undefined: the message has no reports. */
  frameOf(bytes: Uint8Array): Uint8Array | undefined {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const { kind, reports } = JSON.parse(text) as Message;
    if (kind === 'refused') throw new Error(`the exchange refused a command of the load before it was in the log: ${text}`);
    if (reports === undefined) return undefined;
    const view = this.#view;
    for (const { reportNo, execType, code = 0, tag = 0 } of reports) {
      const known = KINDS.get(execType);
      if (known === undefined) throw new Error(`the load causes no report of the type ${execType}`);
      view.setBigUint64(Report.reportNo, BigInt(reportNo), true);
      view.setUint8(Report.kind, known);
      view.setUint16(Report.code, code, true);
      view.setUint32(Report.tag, tag, true);
      this.#writer.add(this.#words, 0);
    }
    return this.#writer.finish(this.#refusals);
  }
}

function unitOf(text: string): Unit {
  const decimals = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
  return { mantissa: Number(text.replace('.', '')), decimals };
}
