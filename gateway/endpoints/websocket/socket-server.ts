import * as uWS from 'uWebSockets.js';
import { RECOVERING } from '../../reject.ts';
import type { Certificates } from '../../tls/certificates.ts';
import { clientCertificateOf, peerAddress } from '../../tls/peer-certificate.ts';
import type { TlsMaterial } from '../../tls/tls-material.ts';
import type { PreAuthLimit } from '../pre-auth-limit.ts';
import { UNAVAILABLE } from './reject-status.ts';

/** Where WebSocket paths are registered, before listening or later. */
export interface SocketRoutes {
  ws<User>(pattern: string, behavior: uWS.WebSocketBehavior<User>): unknown;
}

/** uWebSockets' LIBUS_LISTEN_EXCLUSIVE_PORT; without it two processes may share a port unnoticed. */
const EXCLUSIVE_PORT = 1;
/**
 * uWebSockets accepts TLS 1.2 and has no option to disable it. BoringSSL applies a
 * cipher list to 1.2 only, and a suite that needs a pre-shared key can never
 * be negotiated without one: only TLS 1.3 remains.
 */
const NO_TLS_1_2 = 'ECDHE-PSK-AES128-CBC-SHA';

/** uWebSockets API for apps in several threads, missing in its types: a parent app accepts connections for its child. */
interface SharedApp extends uWS.TemplatedApp {
  getDescriptor(): number;
  addChildAppDescriptor(descriptor: number): void;
  removeChildAppDescriptor(descriptor: number): void;
}

/**
 * The WebSocket port. With TLS one app listens and only accepts; what it
 * accepts is served by its child, an app with the certificate and the routes. A
 * changed certificate gets a new child, so the port is never closed;
 * connections of the previous child keep the certificate that they were made
 * with. It may listen before the paths exist: until the first is registered, a
 * request is answered with 503. I/O thread.
 */
export class SocketServer implements SocketRoutes {
  readonly #certificates: Certificates | undefined;
  readonly #preAuthLimit: PreAuthLimit | undefined;
  readonly #routes: ((app: uWS.TemplatedApp) => void)[] = [];
  /** All child apps, as uWebSockets never frees one; the last serves new connections. */
  readonly #apps: SharedApp[] = [];
  /** Those of them that serve requests. */
  readonly #served: uWS.TemplatedApp[] = [];
  #listening: uWS.us_listen_socket | undefined;

  /** @param preAuthLimit bounds connections that have sent no request yet; undefined: no limit */
  constructor(certificates?: Certificates, preAuthLimit?: PreAuthLimit) {
    this.#certificates = certificates;
    this.#preAuthLimit = preAuthLimit;
  }

  ws<User>(pattern: string, behavior: uWS.WebSocketBehavior<User>): void {
    const register = (app: uWS.TemplatedApp) => app.ws(pattern, this.#guarded(behavior));
    this.#routes.push(register);
    for (const app of this.#served) register(app);
  }

  /**
   * Listens; port 0 takes a free one.
   * @returns the port
   * @throws Error with code EADDRINUSE when the port is taken, EPERM when the certificate cannot be used
   */
  listen(host: string, port: number): number {
    if (this.#certificates === undefined) return this.#listen(this.#build(undefined), host, port);
    const acceptor = this.#make(this.#certificates.current);
    let child = this.#build(this.#certificates.current);
    acceptor.addChildAppDescriptor(child.getDescriptor());
    this.#certificates.onChange((material) => {
      if (this.#listening === undefined) return;
      const next = this.#build(material);
      acceptor.removeChildAppDescriptor(child.getDescriptor());
      acceptor.addChildAppDescriptor(next.getDescriptor());
      child = next;
    });
    return this.#listen(acceptor, host, port);
  }

  /** Stops listening; open connections stay. */
  closeListening(): void {
    if (this.#listening !== undefined) uWS.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
  }

  /** Cuts every connection. */
  close(): void {
    this.closeListening();
    this.#served.length = 0;
    for (const app of this.#apps.splice(0)) app.close();
  }

  #listen(app: uWS.TemplatedApp, host: string, port: number): number {
    let taken = -1;
    const done = (socket: uWS.us_listen_socket | false) => {
      if (socket === false) return;
      this.#listening = socket;
      taken = uWS.us_socket_local_port(socket as unknown as uWS.us_socket);
    };
    // The types do not allow a host together with options. uWebSockets calls back before it returns.
    const listen = app.listen as unknown as (host: string, port: number, options: number, listening: typeof done) => void;
    listen.call(app, host, port, EXCLUSIVE_PORT, done);
    if (taken !== -1) return taken;
    const error = new Error(
      `cannot listen for market data on ${host}:${port}: the port is taken or the address is not local; choose another with --ws-port`,
    );
    throw Object.assign(error, { code: 'EADDRINUSE' });
  }

  /** @throws Error when the files have changed since they were read; the next check reloads them */
  #make(material: TlsMaterial | undefined): SharedApp {
    const app = (material === undefined ? uWS.App() : uWS.SSLApp(sslOptions(material))) as SharedApp;
    this.#apps.push(app);
    return app;
  }

  #build(material: TlsMaterial | undefined): SharedApp {
    const app = this.#make(material);
    for (const register of this.#routes) register(app);
    this.#served.push(app);
    app.any('/*', (res) => {
      this.#preAuthLimit?.leave(peerAddress(res));
      if (this.#routes.length === 0) res.writeStatus(UNAVAILABLE).end(`RECOVERING: ${RECOVERING}\n`, true);
      else res.writeStatus('426 Upgrade Required').writeHeader('upgrade', 'websocket').end('This port supports WebSocket only.\n', true);
    });
    if (this.#preAuthLimit !== undefined) watch(app, this.#preAuthLimit);
    return app;
  }

  /** An upgrade request lifts the limit of its connection, which is then accepted, or closed with the answer. With a client CA, a certificate is required. */
  #guarded<User>(behavior: uWS.WebSocketBehavior<User>): uWS.WebSocketBehavior<User> {
    const { upgrade } = behavior;
    if (upgrade === undefined) return behavior;
    const withCertificate = this.#certificates?.current.clientCa !== undefined;
    return {
      ...behavior,
      upgrade: (res, req, context) => {
        this.#preAuthLimit?.leave(peerAddress(res));
        if (!withCertificate || clientCertificateOf(res) !== undefined) return upgrade(res, req, context);
        res.writeStatus('401 Unauthorized').writeHeader('content-type', 'text/plain; charset=utf-8');
        res.end('UNAUTHENTICATED: show a client certificate\n', true);
      },
    };
  }
}

/**
 * Counts new connections. uWebSockets itself closes connections without a complete
 * request within some 12 s. `res` is another object at the request, so the
 * connection of an address that it belongs to is not known.
 */
function watch(app: uWS.TemplatedApp, limit: PreAuthLimit): void {
  const onConnection = (res: uWS.HttpResponse, count: number): void => {
    const address = peerAddress(res);
    if (count < 0 || limit.trusts(address)) return;
    const leave = limit.enter(address, () => undefined);
    if (leave === undefined) res.close();
    else res.onAborted(leave);
  };
  app.filter(onConnection);
}

function sslOptions({ files }: TlsMaterial): uWS.AppOptions {
  return {
    cert_file_name: files.cert,
    key_file_name: files.key,
    ssl_ciphers: NO_TLS_1_2,
    ...(files.clientCa !== undefined && { ca_file_name: files.clientCa }),
  };
}
