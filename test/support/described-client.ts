import { once } from 'node:events';
import { create, type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../gateway/protobuf/generated/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../gateway/protobuf/generated/google/rpc/status_pb.ts';

// biome-ignore lint/suspicious/noExplicitAny: messages of any kind, looked into by the tests
type Any = any;

/** What a call ended with, and its details. */
export interface Ended {
  readonly code: keyof typeof status | 'none';
  readonly message: string;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fields: readonly string[];
  readonly retries: boolean;
}

/** Calls methods that proto/ describes, with the general gRPC library. */
export class DescribedClient {
  readonly #client: Client;
  readonly #metadata: Readonly<Record<string, string>>;

  constructor(port: number, metadata: Readonly<Record<string, string>> = {}) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    this.#metadata = metadata;
  }

  /** The response of a unary call. @throws ServiceError */
  call(method: DescMethod, request: object = {}, more: Readonly<Record<string, string>> = {}): Promise<Any> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(...codecOf(method), messageOf(method, request), this.#headers(more), (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  }

  /** How a unary call was refused. */
  async refusal(method: DescMethod, request: object = {}, more: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return await this.call(method, request, more).then(
      () => ({ code: 'none', message: '', reason: '', metadata: {}, fields: [], retries: false }),
      ended,
    );
  }

  /** A call with a stream of answers. */
  stream(method: DescMethod, request: object): Answers {
    return new Answers(this.#client.makeServerStreamRequest(...codecOf(method), messageOf(method, request), this.#headers({})));
  }

  /** A call with streams in both directions. */
  duplex(method: DescMethod, more: Readonly<Record<string, string>> = {}): Answers & { send(request: object): void } {
    const stream = this.#client.makeBidiStreamRequest(...codecOf(method), this.#headers(more));
    return Object.assign(new Answers(stream), { send: (request: object) => void stream.write(messageOf(method, request)) });
  }

  close(): void {
    this.#client.close();
  }

  #headers(more: Readonly<Record<string, string>>): Metadata {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries({ ...this.#metadata, ...more })) metadata.set(key, value);
    return metadata;
  }
}

/** The answers of a stream, one after the other. */
export class Answers {
  readonly stream: ClientReadableStream<Any> | ClientDuplexStream<Any, Any>;
  readonly #answers: Any[] = [];
  readonly #end: Promise<Ended>;

  constructor(stream: ClientReadableStream<Any> | ClientDuplexStream<Any, Any>) {
    this.stream = stream;
    stream.on('data', (answer) => this.#answers.push(answer));
    this.#end = new Promise((resolve) => {
      stream.once('error', (error: ServiceError) => resolve(ended(error)));
      stream.once('end', () => resolve({ code: 'OK', message: '', reason: '', metadata: {}, fields: [], retries: false }));
    });
  }

  /** The next answer that fits, which leaves those before it behind. */
  async next(fits: (answer: Any) => boolean = () => true): Promise<Any> {
    for (;;) {
      while (this.#answers.length > 0) {
        const answer = this.#answers.shift();
        if (fits(answer)) return answer;
      }
      await once(this.stream, 'data');
    }
  }

  /** What the call ends with. */
  end(): Promise<Ended> {
    return this.#end;
  }

  cancel(): void {
    this.stream.cancel();
  }
}

function ended(error: ServiceError): Ended {
  const code = (Object.entries(status).find(([, value]) => value === error.code)?.[0] ?? 'none') as Ended['code'];
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
  const details = bytes === undefined ? [] : fromBinary(StatusSchema, bytes as Buffer).details;
  const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((found) => found !== undefined);
  const bad = details.map((any) => anyUnpack(any, BadRequestSchema)).find((found) => found !== undefined);
  return {
    code,
    message: error.details,
    reason: info?.domain === 'openbell' ? info.reason : '',
    metadata: info?.metadata ?? {},
    fields: bad?.fieldViolations.map(({ field }) => field) ?? [],
    retries: details.some((any) => anyUnpack(any, RetryInfoSchema) !== undefined),
  };
}

function codecOf({ parent, name, input, output }: DescMethod) {
  return [
    `/${parent.typeName}/${name}`,
    (message: Message) => Buffer.from(toBinary(input, message)),
    (bytes: Buffer) => fromBinary(output, bytes) as Any,
  ] as const;
}

function messageOf({ input }: DescMethod, request: object): Message {
  return create(input, request as Any);
}
