import { Code, codeName } from '../../engine/codes.ts';
import { ReportFrameReader } from '../../engine/wire/report-frames.ts';
import { openGrpcJs } from './grpc-js-transport.ts';
import { openGrpcProto } from './grpc-proto-transport.ts';
import { openGrpc } from './grpc-transport.ts';
import { InFlight } from './in-flight.ts';
import { openNet } from './net-transport.ts';
import type { LoadSymbol, OrderFlow } from './order-flow.ts';
import type { Caller, LoadTransportName, OpenTransportFunction, OrderTransport, TransportListener } from './transport.ts';
import { openWebSocketJson } from './ws-json-transport.ts';
import { openWebSocket } from './ws-transport.ts';

const OPEN: Record<LoadTransportName, OpenTransportFunction> = {
  grpc: openGrpc,
  'grpc-js': openGrpcJs,
  'grpc-proto': openGrpcProto,
  net: openNet,
  ws: openWebSocket,
  'ws-json': openWebSocketJson,
};

/** One account's connection: sends its orders and receives its reports. */
export class LoadSession implements TransportListener {
  readonly account: number;
  readonly flow: OrderFlow;
  inFlight = new InFlight();
  /** Number of the account's last report. */
  lastReport: number | undefined;
  /** Why the connection ended unexpectedly. */
  lost: string | undefined;
  #transport: OrderTransport | undefined;
  readonly #reader = new ReportFrameReader();

  private constructor(account: number, flow: OrderFlow, lastReport: number | undefined) {
    this.account = account;
    this.flow = flow;
    this.lastReport = lastReport;
  }

  /** @param lastReport of an earlier session of this account @param symbols for transports that write text */
  static async open(
    name: LoadTransportName,
    port: number,
    account: number,
    flow: OrderFlow,
    lastReport?: number,
    caller?: Caller,
    symbols?: readonly LoadSymbol[],
  ): Promise<LoadSession> {
    const session = new LoadSession(account, flow, lastReport);
    const open = await OPEN[name]({ port, account, lastReport, caller, symbols }, session);
    session.#transport = open.transport;
    session.lastReport ??= open.lastReport;
    return session;
  }

  get transport(): OrderTransport {
    return this.#transport as OrderTransport;
  }

  onMessage(bytes: Uint8Array, nowMs: number): void {
    const code = this.#reader.open(bytes);
    if (code !== Code.OK) throw new Error(`the exchange sent an invalid ReportFrame: ${codeName(code)}`);
    this.lastReport = this.inFlight.take(this.#reader, this.lastReport, nowMs);
  }

  onLost(reason: string): void {
    this.lost = reason;
  }

  close(): Promise<void> {
    return this.transport.close();
  }
}
