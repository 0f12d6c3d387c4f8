import { readFileSync } from 'node:fs';
import { connect as connectH2, constants } from 'node:http2';
import { type RequestOptions, request } from 'node:https';
import type { TestContext } from 'node:test';
import { CommandBatch, type ConnectOptions, connect, type OpenbellClient, Side, TimeInForce } from '../../gateway/client/index.ts';
import type { Pair } from './certificates.ts';
import { Envoy, type EnvoyFiles } from './envoy-fixture.ts';

/** Credentials of a caller; undefined: none of that kind. */
export interface Shows {
  readonly certificate?: Pair | undefined;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly httpStatus: number;
  /** gRPC status; -1: there was none. */
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** One unary gRPC call to Envoy by node:http2. @throws the error of TLS or HTTP/2 if there was no answer */
export function unary(files: EnvoyFiles, port: number, path: string, body: Uint8Array, { certificate, token, headers }: Shows) {
  return new Promise<Answered>((resolve, reject) => {
    const session = connectH2(`https://localhost:${port}`, { ...tls(files, certificate) });
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    });
    let head: Record<string, unknown> = {};
    let trailers: Record<string, unknown> = {};
    stream.once('error', reject);
    stream.once('response', (fields) => {
      head = fields;
    });
    stream.once('trailers', (fields) => {
      trailers = fields;
    });
    stream.resume();
    stream.once('close', () => {
      session.close();
      const all = { ...head, ...trailers };
      const message = decodeURIComponent(String(all['grpc-message'] ?? ''));
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) reject(new Error(`the stream was reset with ${stream.rstCode}`));
      else resolve({ httpStatus: Number(head[':status']), status: Number(all['grpc-status'] ?? -1), message, headers: all });
    });
    stream.end(grpcMessage(body));
  });
}

/** A Session on a separate connection; resolves when it is open, with a promise of its end. */
export async function sessionToItsEnd(files: Pick<EnvoyFiles, 'authority'>, port: number, { certificate, token, headers }: Shows) {
  const session = connectH2(`https://localhost:${port}`, { ...tls(files, certificate) });
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': '/openbell.OrderEntry/Session',
      'content-type': 'application/grpc',
      te: 'trailers',
      'x-openbell-account': '1',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    { endStream: false },
  );
  const ended = new Promise<{ status: number; reset: number }>((resolve) => {
    let status = -1;
    stream.once('trailers', (trailers) => {
      status = Number(trailers['grpc-status']);
    });
    stream.once('error', () => undefined);
    stream.once('close', () => {
      session.destroy();
      resolve({ status, reset: stream.rstCode });
    });
  });
  stream.resume();
  await new Promise((resolve, reject) => {
    stream.once('response', resolve);
    session.once('error', reject);
  });
  return { ended };
}

/** A frame with one order, far from the prices of other orders. */
export function orderFrame(clientOrderId: number): Uint8Array {
  const batch = new CommandBatch(1);
  batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 5_000_000, 1, clientOrderId, clientOrderId);
  return Uint8Array.from(batch.bytes());
}

export function submit(files: EnvoyFiles, port: number, account: number, clientOrderId: number, shows: Shows): Promise<Answered> {
  const headers = { 'x-openbell-account': String(account), ...shows.headers };
  return unary(files, port, '/openbell.OrderEntry/Submit', orderFrame(clientOrderId), { ...shows, headers });
}

/** The status and text of an HTTP answer; 101 for a WebSocket that was accepted (and is closed). @param body undefined: none */
export function https(
  files: EnvoyFiles,
  port: number,
  path: string,
  { certificate, token, headers }: Shows,
  options: RequestOptions = {},
  body?: string,
) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const outgoing = request({
      ...tls(files, certificate),
      ...options,
      host: 'localhost',
      port,
      path,
      agent: false,
      headers: { ...authorization, ...headers },
    });
    outgoing.once('error', reject);
    outgoing.once('upgrade', (_response, socket) => {
      socket.destroy();
      resolve({ status: 101, text: '' });
    });
    outgoing.once('response', (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => {
        text += bytes;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.end(body);
  });
}

export function webSocket(files: EnvoyFiles, port: number, path: string, shows: Shows): Promise<{ status: number; text: string }> {
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': 'json',
  };
  return https(files, port, path, {
    ...shows,
    headers: { ...upgrade, ...(path !== '/' && { 'sec-websocket-protocol': '' }), ...shows.headers },
  });
}

/** The client library through Envoy; it is closed when the test ends. */
export async function client(t: TestContext, files: EnvoyFiles, { ports }: Envoy, options: ConnectOptions = {}): Promise<OpenbellClient> {
  const { orders: grpcPort, market: wsPort, queries: httpPort } = ports;
  const token = await files.token();
  const connected = await connect({ grpcPort, wsPort, httpPort, account: 1, token, tls: tls(files, files.client), ...options });
  t.after(() => connected.close());
  return connected;
}

/**
 * An Envoy on the client's side that adds certificate and token, like a client's
 * own sidecar: plain-text clients can use it unchanged.
 */
export function clientSidecar(
  t: TestContext,
  files: EnvoyFiles,
  { ports }: Envoy,
  token: string,
  certificate = files.client,
): Promise<Envoy> {
  const types = 'type.googleapis.com/envoy.extensions';
  const names = ['orders', 'market', 'queries'] as const;
  const listener = (name: (typeof names)[number]) => ({
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: name,
              stream_idle_timeout: '0s',
              upgrade_configs: [{ upgrade_type: 'websocket' }],
              route_config: {
                virtual_hosts: [
                  {
                    name,
                    domains: ['*'],
                    request_headers_to_add: [{ header: { key: 'authorization', value: `Bearer ${token}` } }],
                    routes: [{ match: { prefix: '/' }, route: { cluster: name, timeout: '0s' } }],
                  },
                ],
              },
              http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${types}.filters.http.router.v3.Router` } }],
            },
          },
        ],
      },
    ],
  });
  const cluster = (name: (typeof names)[number]) => ({
    name,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: ports[name] } } } }] }],
    },
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': `${types}.transport_sockets.tls.v3.UpstreamTlsContext`,
        sni: 'localhost',
        common_tls_context: {
          alpn_protocols: [name === 'orders' ? 'h2' : 'http/1.1'],
          tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
          tls_certificates: [{ certificate_chain: { filename: certificate.cert }, private_key: { filename: certificate.key } }],
          validation_context: { trusted_ca: { filename: files.authority.ca.cert } },
        },
      },
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${types}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: name === 'orders' ? { http2_protocol_options: {} } : { http_protocol_options: {} },
      },
    },
  });
  const bootstrap = {
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    static_resources: { listeners: names.map(listener), clusters: names.map(cluster) },
  };
  return Envoy.run(t, files.dir, bootstrap, 1);
}

function tls({ authority }: Pick<EnvoyFiles, 'authority'>, certificate: Pair | undefined) {
  return {
    ca: readFileSync(authority.ca.cert),
    ...(certificate !== undefined && { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }),
  };
}

function grpcMessage(body: Uint8Array): Buffer {
  const message = Buffer.alloc(5 + body.length);
  message.writeUInt32BE(body.length, 1);
  message.set(body, 5);
  return message;
}
