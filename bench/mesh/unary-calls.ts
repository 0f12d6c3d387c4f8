import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { CommandBatch } from '../../gateway/client/index.ts';
import { GRPC_PREFIX_BYTES } from '../load/grpc-transport.ts';
import type { Caller } from '../load/transport.ts';

/** An order id that does not exist: its cancel is the cheapest command. */
const NO_ORDER = Number.MAX_SAFE_INTEGER;

/** `count` unary Submit calls, one after the other on one connection; resolves with the median, ms. @throws Error when one is rejected */
export async function unaryCalls(port: number, account: number, { headers, tls }: Caller, count: number): Promise<number> {
  const authority = `${tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${port}`;
  const session = connect(authority, {
    ...(tls !== undefined && { ca: readFileSync(tls.ca) }),
    ...(tls?.cert !== undefined && tls.key !== undefined && { cert: readFileSync(tls.cert), key: readFileSync(tls.key) }),
  });
  try {
    const body = cancelOfNothing();
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const from = performance.now();
      await call(session, account, headers, body);
      times.push(performance.now() - from);
    }
    return times.sort((a, b) => a - b)[count >> 1];
  } finally {
    session.close();
  }
}

function call(session: ClientHttp2Session, account: number, headers: Caller['headers'], body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/openbell.OrderEntry/Submit',
      'content-type': 'application/grpc',
      te: 'trailers',
      'x-openbell-account': String(account),
      ...headers,
    });
    let status: unknown;
    let message: unknown;
    const take = (fields: Record<string, unknown>): void => {
      status ??= fields['grpc-status'];
      message ??= fields['grpc-message'];
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('error', reject);
    stream.on('close', () => {
      session.off('error', reject);
      if (status === '0') resolve();
      else reject(new Error(`Submit was answered with ${status}: ${message}`));
    });
    stream.resume();
    stream.end(body);
  });
}

function cancelOfNothing(): Buffer {
  const batch = new CommandBatch(1);
  batch.cancel(1, NO_ORDER, 0, 1);
  const frame = batch.bytes();
  const message = Buffer.alloc(GRPC_PREFIX_BYTES + frame.length);
  message.writeUInt32BE(frame.length, 1);
  message.set(frame, GRPC_PREFIX_BYTES);
  return message;
}
