import { create, type DescFile, type DescService, fromBinary, toBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '../../../../engine/codes.ts';
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '../../../protobuf/generated/grpc/reflection/v1/reflection_pb.ts';
import { reject } from '../../../reject.ts';
import type { CallHandler, GrpcCall } from '../call.ts';
import { GrpcStatus } from '../status.ts';
import type { OpenCalls } from './open-calls.ts';
import { richStatusOf } from './rich-status.ts';
import { framed } from './unary.ts';

/** Questions that wait for the answers before them. */
const MAX_WAITING = 64;

type Question = ServerReflectionRequest['messageRequest'];

/** The files of services, by their names and by what they declare. */
export class DescribedServices {
  readonly #services: readonly DescService[];
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();

  /** @param others files that no service imports */
  constructor(services: readonly DescService[], others: readonly DescFile[]) {
    this.#services = services;
    for (const { file } of services) this.#add(file);
    for (const file of others) this.#add(file);
  }

  get names(): string[] {
    return this.#services.map(({ typeName }) => typeName);
  }

  /** A file and those that it imports, serialized; undefined: there is none. */
  byName(name: string): Uint8Array[] | undefined {
    return serialized(this.#files.get(name));
  }

  /** The file that declares a symbol, by its full name: a message, an enum, a service, or a part of one. */
  bySymbol(symbol: string): Uint8Array[] | undefined {
    for (let name = symbol; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const file = this.#symbols.get(name);
      if (file !== undefined) return serialized(file);
    }
    return undefined;
  }

  /** Whether there is such a message. No message has extensions. */
  hasType(name: string): boolean {
    return this.#symbols.has(name);
  }

  #add(file: DescFile): void {
    if (this.#files.has(file.proto.name)) return;
    this.#files.set(file.proto.name, file);
    for (const { typeName } of nestedTypes(file)) this.#symbols.set(typeName, file);
    for (const dependency of file.dependencies) this.#add(dependency);
  }
}

function serialized(file: DescFile | undefined): Uint8Array[] | undefined {
  if (file === undefined) return undefined;
  const found = new Set([file]);
  for (const { dependencies } of found) for (const dependency of dependencies) found.add(dependency);
  return [...found].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}

/**
 * `ServerReflection` of an authenticated caller: lists the services for grpcurl, buf curl and others. v1 and v1alpha have the
 * same messages, but for the package. One question is answered at a time, and only when its answer can be written.
 */
export class Reflection implements CallHandler {
  readonly #call: GrpcCall;
  readonly #described: DescribedServices;
  readonly #open: OpenCalls;
  readonly #waiting: Buffer[] = [];
  #writing = false;
  #halfClosed = false;

  constructor(call: GrpcCall, described: DescribedServices, open: OpenCalls) {
    this.#open = open;
    open.add(call);
    this.#call = call;
    this.#described = described;
    call.serve(this, {});
  }

  onMessage(bytes: Buffer, at: number, length: number): boolean {
    if (this.#waiting.length === MAX_WAITING) {
      this.#call.fail(richStatusOf(reject(Code.BUSY, `${MAX_WAITING} questions wait for their answers: read these first`)));
      return false;
    }
    this.#waiting.push(Buffer.from(bytes.subarray(at, at + length)));
    return true;
  }

  onMessagesEnd(): void {
    this.#next();
  }

  onHalfClose(): void {
    this.#halfClosed = true;
    this.#next();
  }

  onWritten(): void {
    this.#writing = false;
    this.#next();
  }

  onClose(): void {
    this.#waiting.length = 0;
    this.#open.delete(this.#call);
  }

  #next(): void {
    if (this.#writing || this.#call.ended) return;
    const bytes = this.#waiting.shift();
    if (bytes === undefined) {
      if (this.#halfClosed) this.#call.end();
      return;
    }
    let question: ServerReflectionRequest;
    try {
      question = fromBinary(ServerReflectionRequestSchema, bytes);
    } catch {
      return this.#call.fail(richStatusOf(reject(Code.MALFORMED_FRAME, 'the message is not a ServerReflectionRequest')));
    }
    this.#writing = true;
    const { host: validHost, messageRequest } = question;
    const messageResponse = answerOf(this.#described, messageRequest);
    const response = create(ServerReflectionResponseSchema, { validHost, originalRequest: question, messageResponse });
    this.#call.write(framed(ServerReflectionResponseSchema, response));
  }
}

function answerOf(described: DescribedServices, question: Question) {
  switch (question.case) {
    case 'listServices':
      return { case: 'listServicesResponse' as const, value: { service: described.names.map((name) => ({ name })) } };
    case 'fileByFilename':
      return files(described.byName(question.value), `there is no file ${question.value}`);
    case 'fileContainingSymbol':
      return files(described.bySymbol(question.value), `there is no symbol ${question.value}`);
    case 'allExtensionNumbersOfType':
      if (!described.hasType(question.value)) return notFound(`there is no message ${question.value}`);
      return { case: 'allExtensionNumbersResponse' as const, value: { baseTypeName: question.value, extensionNumber: [] } };
    default:
      return notFound('there are no extensions');
  }
}

function files(fileDescriptorProto: Uint8Array[] | undefined, missing: string) {
  if (fileDescriptorProto === undefined) return notFound(missing);
  return { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } };
}

function notFound(errorMessage: string) {
  return { case: 'errorResponse' as const, value: { errorCode: GrpcStatus.NotFound, errorMessage } };
}
