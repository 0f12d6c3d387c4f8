import { Client } from '@grpc/grpc-js';
import { authority } from './authority.ts';
import { FIRST_RETRY_MS, LAST_RETRY_MS } from './retry-delays.ts';
import { channelCredentials } from './tls.ts';
import type { ClientTls } from './types.ts';

/** Bytes received ahead of the reader. */
const RECEIVE_WINDOW = 1 << 20;

/** A connection of its own to the order-entry port. It retries nothing: its user decides what may be sent again. */
export function orderEntryClient(host: string, port: number, tls: ClientTls | undefined): Client {
  return new Client(authority(host, port), channelCredentials(host, tls), {
    'grpc.enable_retries': 0,
    'grpc.per_rpc_retry_buffer_size': 0,
    'grpc.enable_channelz': 0,
    'grpc-node.flow_control_window': RECEIVE_WINDOW,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': FIRST_RETRY_MS,
    'grpc.max_reconnect_backoff_ms': LAST_RETRY_MS,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
}
