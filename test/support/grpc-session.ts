import { type GrpcOrderOptions, GrpcOrderStream } from '../../gateway/client/grpc-order-stream.ts';
import { OrderSession, type OrderSessionOptions } from '../../gateway/client/order-session.ts';

/** A session of the typed client over gRPC, without its queries. */
export function grpcSession(options: GrpcOrderOptions & OrderSessionOptions): OrderSession {
  return new OrderSession(options, (listener) => new GrpcOrderStream(options, listener));
}
