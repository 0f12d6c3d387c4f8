import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { Code } from '../engine/codes.ts';
import { MAX_FRAME_BYTES } from '../engine/wire/frames.ts';
import { GrpcHealth, ORDER_ENTRY_SERVICE } from './grpc-health.ts';
import { type CommandSequencer, OrderEntryCounters, OrderIntake } from './order-intake.ts';
import { OrderSession, type SessionCall, type SessionContext } from './order-session.ts';
import { type CallFault, fault, readCaller } from './order-status.ts';
import { submit } from './order-submit.ts';
import type { ReportHub } from './report-hub.ts';

const raw = (bytes: Buffer): Buffer => bytes;

/** The service, without protobuf: a message is a FlatBuffer frame as it is. */
const orderEntryService: ServiceDefinition = {
  Session: {
    path: `/${ORDER_ENTRY_SERVICE}/Session`,
    requestStream: true,
    responseStream: true,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
  Submit: {
    path: `/${ORDER_ENTRY_SERVICE}/Submit`,
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
};

export interface OrderEntryOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly sequencer: CommandSequencer;
  readonly hub: ReportHub;
  readonly accountExists: (account: number) => boolean;
  /** Runs after each frame that gave the engine something to do: topology `compact` lets the engine run there. */
  readonly onPublished: () => void;
  /** Most Session streams. Default 1024. */
  readonly maxSessions?: number;
  /** How often an idle connection is asked whether it lives. Default 30 s. */
  readonly keepaliveMs?: number;
}

/** Frames beyond this are not even received: grpc-js cuts the call. Up to it they get FRAME_TOO_LARGE. */
const MAX_MESSAGE_BYTES = 4 * MAX_FRAME_BYTES;

/** The gRPC server of order entry, with `grpc.health.v1` beside it. */
export class OrderEntry {
  readonly counters = new OrderEntryCounters();
  readonly health = new GrpcHealth();
  readonly #options: OrderEntryOptions;
  readonly #intake: OrderIntake;
  readonly #server: Server;
  readonly #sessions = new Set<OrderSession>();
  readonly #context: SessionContext;
  /** Host and port, once it listens. */
  #address: string | undefined;

  constructor(options: OrderEntryOptions) {
    this.#options = options;
    this.#intake = new OrderIntake(options.sequencer, this.counters, options.onPublished);
    this.#context = {
      hub: options.hub,
      intake: this.#intake,
      counters: this.counters,
      onGone: (session) => {
        this.#sessions.delete(session);
        this.counters.sessions = this.#sessions.size;
      },
    };
    this.#server = new Server({
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_concurrent_streams': 1024,
      'grpc.enable_channelz': 0,
      'grpc.keepalive_time_ms': options.keepaliveMs ?? 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    this.#server.addService(orderEntryService, {
      Session: (call: SessionCall) => this.#session(call),
      Submit: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => this.#submit(call, callback),
    });
    this.health.addTo(this.#server);
  }

  /** Listens, and resolves with the port. */
  listen(): Promise<number> {
    const { host, port } = this.#options;
    const address = host.includes(':') ? `[${host}]` : host;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error) {
          reject(error);
          return;
        }
        this.#address = `${address}:${bound}`;
        resolve(bound);
      });
    });
  }

  /** Commands are refused with DRAINING from now on, and new sessions too; reports go on. */
  drain(): void {
    this.#intake.draining = true;
    this.health.serving = false;
  }

  /** Drains, lets each session have the reports of what it sent, says goodbye (GOAWAY), and cuts what is left after `deadlineMs`. */
  stop(deadlineMs: number = 5000): Promise<void> {
    this.drain();
    for (const session of this.#sessions) session.end();
    return new Promise((resolve) => {
      // Not forceShutdown: without channelz it does not know the connections, cuts none, and the process would wait for them.
      if (this.#address !== undefined) this.#server.drain(this.#address, deadlineMs);
      this.#server.tryShutdown(() => resolve());
    });
  }

  #session(call: SessionCall): void {
    const { hub, accountExists, maxSessions = 1024 } = this.#options;
    const caller = this.#intake.draining ? draining : readCaller(call.metadata, accountExists);
    if ('code' in caller) {
      this.#refuse(call, caller);
      return;
    }
    if (this.#sessions.size >= maxSessions) {
      this.#refuse(
        call,
        fault(status.RESOURCE_EXHAUSTED, Code.BUSY, `all ${maxSessions} sessions are taken: close one, or try again later`),
      );
      return;
    }
    const last = hub.lastReportNo(caller.account);
    const sent = caller.lastReport ?? last;
    if (sent > last) {
      this.#refuse(
        call,
        fault(
          status.OUT_OF_RANGE,
          Code.BAD_RANGE,
          `x-openbell-last-report is ${sent}, but the last report of account ${caller.account} is ${last}: reports were lost with the exchange's data, start again without it`,
        ),
      );
      return;
    }
    // Headers at once: a client knows that its session is open before the first report.
    call.sendMetadata(sessionHeaders(last));
    this.#sessions.add(new OrderSession(call, caller.account, sent, this.#context));
    this.counters.sessions = this.#sessions.size;
    this.counters.sessionsTotal++;
  }

  #submit(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
    const caller = readCaller(call.metadata, this.#options.accountExists);
    this.counters.submits++;
    if ('code' in caller) callback(caller);
    else submit(call, callback, caller.account, this.#options.hub, this.#intake);
  }

  #refuse(call: SessionCall, why: CallFault): void {
    this.counters.sessionsCut++;
    call.emit('error', why);
  }
}

const draining = fault(status.UNAVAILABLE, Code.DRAINING, 'the exchange is stopping: connect again when it is back');

/** Tells the client where its account's reports stand. */
function sessionHeaders(lastReport: number): Metadata {
  const headers = new Metadata();
  headers.set('x-openbell-last-report', String(lastReport));
  return headers;
}
