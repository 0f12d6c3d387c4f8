import assert from 'node:assert/strict';
import { type Client, Metadata, type StatusObject } from '@grpc/grpc-js';
import { codeName } from '../../engine/codes.ts';
import { decodeDropCopy, encodeDropCopy, type Resumption } from '../../engine/wire/drop-copy-frame.ts';
import { Report } from '../../engine/wire/layout.ts';
import { ReportFrameReader } from '../../engine/wire/report-frames.ts';
import { viewReport } from '../../gateway/client/report-view.ts';
import { SymbolCatalog } from '../../gateway/client/symbols.ts';
import type { ReportView } from '../../gateway/client/types.ts';
import { rawClient, SYMBOLS } from './order-entry-fixture.ts';
import { Opcode, RawWebSocket } from './raw-websocket.ts';
import { until } from './until.ts';

/** How a drop copy ended: gRPC status, or close code of a WebSocket, and text. */
export interface CopyEnd {
  readonly code: number;
  readonly details: string;
}

/** A drop copy without the client library: it sends any bytes, and can stop reading. */
export abstract class CopyReader {
  readonly reports: ReportView[] = [];
  /** Where each account begins, as the exchange answered. */
  points: readonly Resumption[] | undefined;
  end: CopyEnd | undefined;
  /** Schema version of the answers. */
  version = 0;
  readonly #reader = new ReportFrameReader();
  readonly #symbols = new SymbolCatalog(SYMBOLS);

  /** @param more over gRPC: leaves the side of the client open */
  abstract send(bytes: Uint8Array, more?: boolean): void;
  abstract pause(): void;
  abstract resume(): void;
  abstract close(): void;

  /** Numbers of the reports of an account, in the order in which they came. */
  numbers(account: number): number[] {
    return this.reports.filter((report) => report.account === account).map(({ reportNo }) => reportNo);
  }

  async opened(): Promise<this> {
    await until(() => this.points !== undefined || this.end !== undefined, 'the answer to the subscription');
    assert.equal(this.end, undefined);
    return this;
  }

  async ended(timeoutMs?: number): Promise<CopyEnd> {
    await until(() => this.end !== undefined, 'the end of the drop copy', timeoutMs);
    return this.end as CopyEnd;
  }

  protected take(bytes: Buffer): void {
    if (this.points === undefined) {
      const { code, version, points } = decodeDropCopy(bytes);
      assert.equal(codeName(code), 'OK');
      this.points = points;
      this.version = version;
      return;
    }
    const reader = this.#reader;
    assert.equal(codeName(reader.open(bytes)), 'OK');
    assert.deepEqual([reader.version, reader.refusals], [this.version, 0]);
    for (let i = 0; i < reader.reports; i++) this.reports.push(viewReport(reader.flat, reader.reportsAt + i * Report.bytes, this.#symbols));
  }
}

const raw = (bytes: Buffer): Buffer => bytes;

export class GrpcCopyReader extends CopyReader {
  readonly #client: Client;
  readonly call;

  constructor(port: number, headers: Record<string, string> = {}) {
    super();
    this.#client = rawClient(port);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    // A stream of requests, so that it can send more than the one message.
    this.call = this.#client.makeBidiStreamRequest('/openbell.OrderEntry/DropCopy', raw, raw, metadata);
    this.call.on('data', (bytes: Buffer) => this.take(bytes));
    this.call.on('error', () => undefined);
    this.call.once('status', ({ code, details }: StatusObject) => {
      this.end = { code, details };
    });
  }

  send(bytes: Uint8Array, more = false): void {
    this.call.write(Buffer.from(bytes));
    if (!more) this.call.end();
  }

  pause(): void {
    this.call.pause();
  }

  resume(): void {
    this.call.resume();
  }

  close(): void {
    this.call.cancel();
    this.#client.close();
  }
}

export class SocketCopyReader extends CopyReader {
  readonly socket: RawWebSocket;

  private constructor(socket: RawWebSocket) {
    super();
    this.socket = socket;
    const take = (opcode: number, data: Buffer): void => {
      if (opcode === Opcode.Binary) this.take(data);
    };
    for (const { opcode, data } of socket.messages) take(opcode, data);
    socket.onMessage = ({ opcode, data }) => take(opcode, data);
    socket.socket.once('close', () => {
      this.end ??= { code: socket.closeCode, details: socket.closeReason };
    });
  }

  static async open(port: number, query = '', headers: Record<string, string> = {}): Promise<SocketCopyReader> {
    const socket = await RawWebSocket.open(port, { path: `/v1/drop-copy${query}`, headers });
    const reader = new SocketCopyReader(socket);
    if (!socket.status.includes(' 101 ')) {
      await socket.until(() => socket.ended);
      reader.end = { code: Number(socket.status.split(' ')[1]), details: socket.body.trim() };
    }
    return reader;
  }

  send(bytes: Uint8Array): void {
    this.socket.send(Opcode.Binary, bytes);
  }

  pause(): void {
    this.socket.socket.pause();
  }

  resume(): void {
    this.socket.socket.resume();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The accounts, each with the number of its last report; undefined: only new ones. */
export function subscription(accounts: Readonly<Record<number, number | undefined>>, version?: number): Buffer {
  return encodeDropCopy(
    Object.entries(accounts).map(([account, after]) => ({ account: Number(account), after })),
    version,
  );
}
