import * as uWS from 'uWebSockets.js';
import type { Certificates } from '../../tls/certificates.ts';
import { clientCertificateOf, peerAddress } from '../../tls/peer-certificate.ts';
import type { TlsMaterial } from '../../tls/tls-material.ts';
import type { PreAuthLimit } from '../pre-auth-limit.ts';

/** Where WebSocket paths are registered, before listening. */
export interface SocketRoutes {
  ws<User>(pattern: string, behavior: uWS.WebSocketBehavior<User>): unknown;
}

/** uWebSockets' LIBUS_LISTEN_EXCLUSIVE_PORT; without it two processes may share a port in silence. */
const EXCLUSIVE_PORT = 1;
/**
 * uWebSockets takes TLS 1.2 and has no option for it. BoringSSL applies a
 * cipher list to 1.2 only, and a suite that needs a pre-shared key, which
 * nobody was given, can never be agreed on: what is left is TLS 1.3.
 */
const NO_TLS_1_2 = 'ECDHE-PSK-AES128-CBC-SHA';

/** What uWebSockets has for apps in several threads, and its types do not: an app with a child accepts connections for that. */
interface SharedApp extends uWS.TemplatedApp {
  getDescriptor(): number;
  addChildAppDescriptor(descriptor: number): void;
  removeChildAppDescriptor(descriptor: number): void;
}

/**
 * The WebSocket port. With TLS one app listens and only accepts; what it
 * accepts belongs to its child, an app with the certificate and the routes. A
 * changed certificate gets a new child, so the port is never closed;
 * connections of the child before it live on with the certificate that they
 * were made with. I/O thread.
 */
export class SocketServer implements SocketRoutes {
  readonly #certificates: Certificates | undefined;
  readonly #preAuthLimit: PreAuthLimit | undefined;
  readonly #routes: ((app: uWS.TemplatedApp) => void)[] = [];
  /** uWebSockets never frees an app; the last of them takes new connections. */
  readonly #apps: SharedApp[] = [];
  #listening: uWS.us_listen_socket | undefined;

  /** @param preAuthLimit bounds connections that have asked for nothing yet; undefined: nothing does */
  constructor(certificates?: Certificates, preAuthLimit?: PreAuthLimit) {
    this.#certificates = certificates;
    this.#preAuthLimit = preAuthLimit;
  }

  ws<User>(pattern: string, behavior: uWS.WebSocketBehavior<User>): void {
    this.#routes.push((app) => app.ws(pattern, this.#guarded(behavior)));
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

  /** No more connections; those that are there live on. */
  closeListening(): void {
    if (this.#listening !== undefined) uWS.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
  }

  /** Cuts every connection. */
  close(): void {
    this.closeListening();
    for (const app of this.#apps.splice(0)) app.close();
  }

  #listen(app: uWS.TemplatedApp, host: string, port: number): number {
    let taken = -1;
    const done = (socket: uWS.us_listen_socket | false) => {
      if (socket === false) return;
      this.#listening = socket;
      taken = uWS.us_socket_local_port(socket as unknown as uWS.us_socket);
    };
    // The types do not know that a host and options go together. uWebSockets calls back before it returns.
    const listen = app.listen as unknown as (host: string, port: number, options: number, listening: typeof done) => void;
    listen.call(app, host, port, EXCLUSIVE_PORT, done);
    if (taken !== -1) return taken;
    const error = new Error(
      `cannot listen for market data on ${host}:${port}: the port is taken or the address is not ours; choose another with --ws-port`,
    );
    throw Object.assign(error, { code: 'EADDRINUSE' });
  }

  /** @throws Error when the files no longer hold what was read from them: the next look at them brings another change */
  #make(material: TlsMaterial | undefined): SharedApp {
    const app = (material === undefined ? uWS.App() : uWS.SSLApp(sslOptions(material))) as SharedApp;
    this.#apps.push(app);
    return app;
  }

  #build(material: TlsMaterial | undefined): SharedApp {
    const app = this.#make(material);
    for (const register of this.#routes) register(app);
    app.any('/*', (res) => {
      this.#preAuthLimit?.leave(peerAddress(res));
      res.writeStatus('426 Upgrade Required').writeHeader('upgrade', 'websocket').end('This port speaks WebSocket only.\n', true);
    });
    if (this.#preAuthLimit !== undefined) watch(app, this.#preAuthLimit);
    return app;
  }

  /** An upgrade ends the limit of its connection: it is accepted, or closed with the answer. With a client CA, it needs a certificate to get past this. */
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
 * Counts what comes. uWebSockets itself closes what has sent no whole request
 * within some 12 s; `res` is another object at the request, so which of an
 * address's connections it is on is not known.
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
