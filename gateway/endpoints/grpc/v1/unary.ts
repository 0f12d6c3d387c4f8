import { type DescMessage, type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { Code } from '../../../../engine/codes.ts';
import { reject } from '../../../reject.ts';
import { isOperationFault, type OperationCaller, type Operations } from '../../operations.ts';
import type { GrpcCall } from '../call.ts';
import { PREFIX_BYTES } from '../message-reader.ts';
import { OneRequest } from '../one-request.ts';
import { fault, GrpcStatus } from '../status.ts';
import { type Json, jsonOf, messageOf } from './json-messages.ts';
import type { ServedBy } from './operation-table.ts';
import { RejectError } from './reject-error.ts';
import { operationStatusOf, richStatusOf } from './rich-status.ts';

/** As much as a body over HTTP. */
const MAX_REQUEST_BYTES = 64 * 1024;

/** Serves one unary call of an authenticated caller by an operation. */
export function serveUnary(call: GrpcCall, method: DescMethod, served: ServedBy, operations: Operations, caller: OperationCaller): void {
  const answer = async (bytes: Buffer): Promise<void> => {
    if (bytes.length > MAX_REQUEST_BYTES) {
      const text = `a request of ${bytes.length} bytes is larger than the ${MAX_REQUEST_BYTES} that are taken`;
      return call.fail(fault(GrpcStatus.ResourceExhausted, Code.FRAME_TOO_LARGE, text));
    }
    try {
      const request = jsonOf(method.input, decoded(method, bytes));
      const json = await operations.run(served.operation(request), caller);
      if (call.ended) return;
      call.write(framed(method.output, responseOf(method, served, json)));
      call.end();
    } catch (error) {
      if (error instanceof RejectError) call.fail(richStatusOf(error.reject));
      else if (isOperationFault(error)) call.fail(operationStatusOf(error, method.input, Date.now() * 1000));
      else throw error;
    }
  };
  call.serve(new OneRequest(call, (bytes) => void answer(bytes)));
}

function responseOf({ output }: DescMethod, { field }: ServedBy, json: unknown): Message {
  if (field === undefined) return messageOf(output, json as Json);
  return messageOf(output, Array.isArray(json) ? { [field]: json } : { ...(json as Json), [field]: json });
}

/** @throws RejectError */
function decoded({ input }: DescMethod, bytes: Buffer): Message {
  try {
    return fromBinary(input, bytes);
  } catch (error) {
    throw new RejectError(reject(Code.MALFORMED_FRAME, `the message is not a ${input.typeName} (${(error as Error).message})`));
  }
}

/** A message, behind the room for the prefix. */
export function framed(schema: DescMessage, message: Message): Buffer {
  const bytes = toBinary(schema, message);
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + bytes.length);
  frame.set(bytes, PREFIX_BYTES);
  return frame;
}
