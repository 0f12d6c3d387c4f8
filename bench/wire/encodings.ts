import { UNDER_WAY } from './echo-ratios.ts';
import type { EncodingPair } from './encoding-ratios.ts';

/** Orders in protobuf to orders in FlatBuffers, over gRPC. */
export const PROTOBUF: EncodingPair = {
  encoding: 'grpc-proto',
  reference: 'grpc',
  id: 'protobuf',
  title: 'Protobuf over FlatBuffers',
  underWay: UNDER_WAY,
};

/** Orders in JSON to orders in FlatBuffers, over WebSocket. Of a JSON session, 1,024 messages may wait at most. */
export const JSON_TEXT: EncodingPair = {
  encoding: 'ws-json',
  reference: 'ws',
  id: 'json',
  title: 'JSON over FlatBuffers, WebSocket',
  underWay: 1000,
};
