import { Code } from '../../../engine/codes.ts';
import type { GrpcCall } from './call.ts';
import { PREFIX_BYTES } from './message-reader.ts';
import { OneRequest } from './one-request.ts';
import { fault, GrpcStatus } from './status.ts';

/** `ServingStatus` of grpc/health/v1/health.proto. */
const Serving = { Unknown: 0, Serving: 1, NotServing: 2, ServiceUnknown: 3 } as const;
type Serving = (typeof Serving)[keyof typeof Serving];

/** `grpc.health.v1` for the whole server (service "") and for the services named. NOT_SERVING until set. */
export class GrpcHealth {
  readonly methods: Readonly<Record<string, (call: GrpcCall) => void>> = {
    '/grpc.health.v1.Health/Check': (call) => call.serve(new OneRequest(call, (request) => this.#check(call, serviceOf(request)))),
    '/grpc.health.v1.Health/Watch': (call) => this.#watch(call),
  };
  readonly #services: ReadonlySet<string>;
  readonly #watches = new Set<HealthWatch>();
  #serving = false;

  constructor(services: readonly string[]) {
    this.#services = new Set(['', ...services]);
  }

  get serving(): boolean {
    return this.#serving;
  }

  set serving(serving: boolean) {
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const watch of this.#watches) watch.publish();
  }

  /** Ends the watches, which would delay a stop. */
  stop(): void {
    for (const { call } of this.#watches) call.fail(fault(GrpcStatus.Unavailable, Code.DRAINING, 'the exchange is stopping'));
  }

  status(service: string): Serving {
    if (!this.#services.has(service)) return Serving.ServiceUnknown;
    return this.#serving ? Serving.Serving : Serving.NotServing;
  }

  #check(call: GrpcCall, service: string): void {
    const status = this.status(service);
    if (status === Serving.ServiceUnknown) {
      call.fail({ code: GrpcStatus.NotFound, details: `there is no service ${service}` });
      return;
    }
    call.write(answer(status));
    call.end();
  }

  #watch(call: GrpcCall): void {
    const watch = new HealthWatch(call, this);
    const begin = (request: Buffer): void => {
      this.#watches.add(watch);
      watch.begin(serviceOf(request));
    };
    call.serve(new OneRequest(call, begin, { onWritten: watch.onWritten, onClose: () => this.#watches.delete(watch) }));
  }
}

/** Publishes each change to one watcher; a slow watcher gets only the latest. */
class HealthWatch {
  readonly call: GrpcCall;
  readonly #health: GrpcHealth;
  #service = '';
  #published: Serving | undefined;
  #writing = false;

  constructor(call: GrpcCall, health: GrpcHealth) {
    this.call = call;
    this.#health = health;
  }

  begin(service: string): void {
    this.#service = service;
    this.publish();
  }

  publish(): void {
    const status = this.#health.status(this.#service);
    if (this.#writing || status === this.#published) return;
    this.#published = status;
    this.#writing = true;
    this.call.write(answer(status));
  }

  readonly onWritten = (): void => {
    this.#writing = false;
    this.publish();
  };
}

/** Field 1 of a HealthCheckRequest, the only one; "" when it is left out, or the message is something else. */
function serviceOf(message: Buffer): string {
  const STRING_FIELD_1 = 0x0a;
  return message.length >= 2 && message[0] === STRING_FIELD_1 && message[1] === message.length - 2 ? message.toString('utf8', 2) : '';
}

/** A HealthCheckResponse, behind the room for the prefix. */
function answer(status: Serving): Buffer {
  const ENUM_FIELD_1 = 0x08;
  const frame = Buffer.alloc(PREFIX_BYTES + 2);
  frame[PREFIX_BYTES] = ENUM_FIELD_1;
  frame[PREFIX_BYTES + 1] = status;
  return frame;
}
