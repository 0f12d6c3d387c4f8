import type { Registry } from 'prom-client';
import { Code, codeName } from '../../engine/codes.ts';
import type { AuditEvent } from '../audit/audit-sink.ts';
import { OrderEntry } from '../endpoints/grpc/order-entry.ts';
import { AdminServer } from '../endpoints/http/admin.ts';
import { SocketServer } from '../endpoints/websocket/socket-server.ts';
import { createMetrics } from '../metrics.ts';
import type { Access } from './access.ts';
import type { StartContext } from './start-context.ts';

/** Calls that a client resets in a burst, on a connection of its own. */
const DIRECT_RESET_BURST = 200;

export interface Ports {
  readonly grpc: number;
  readonly ws: number;
  readonly http: number;
}

/** The three servers, which listen. Until they are given what to serve, health answers and the rest is unavailable. */
export interface Servers {
  readonly registry: Registry;
  readonly admin: AdminServer;
  readonly orderEntry: OrderEntry;
  readonly sockets: SocketServer;
  readonly ports: Ports;
}

/**
 * Opens all ports, before anything is read or written: a port that is taken changes nothing.
 * @throws Error with the code of the system, such as EADDRINUSE
 */
export async function openPorts(context: StartContext, access: Access): Promise<Servers> {
  const { config, undo } = context;
  const { certificates, preAuthLimits } = access;
  const registry = createMetrics();
  const admin = adminServer(context, access, registry);
  const orderEntry = orderEntryServer(context, access);
  const sockets = new SocketServer(certificates, preAuthLimits.ws);
  const http = await listening(admin.listen(), 'admin', config.host, config.httpPort, '--http-port');
  undo.push(() => admin.stop());
  const grpc = await listening(orderEntry.listen(), 'order entry', config.host, config.grpcPort, '--grpc-port');
  undo.push(() => orderEntry.stop());
  const ws = sockets.listen(config.host, config.wsPort);
  undo.push(() => sockets.close());
  return { registry, admin, orderEntry, sockets, ports: { grpc, ws, http } };
}

function adminServer({ config, log, state }: StartContext, access: Access, registry: Registry): AdminServer {
  const { certificates, identity, audit, preAuthLimits, limits, slices } = access;
  return new AdminServer({
    host: config.host,
    port: config.httpPort,
    registry,
    log,
    unready: () => state.unready(),
    warnings: () => state.warnings(),
    certificates,
    identity,
    audit,
    preAuthLimit: preAuthLimits.http,
    limits: config.callerLimits,
    limitCounters: limits,
    publicMarket: { open: config.publicMarketData, origins: config.corsOrigins },
    slices,
  });
}

function orderEntryServer({ config, log }: StartContext, access: Access): OrderEntry {
  const { certificates, identity, audit, preAuthLimits, limits, slices } = access;
  return new OrderEntry({
    host: config.host,
    port: config.grpcPort,
    certificates,
    preAuthLimit: preAuthLimits.grpc,
    limits: config.callerLimits,
    limitCounters: limits,
    slices,
    onLoadFailed: (err) =>
      log.error({ err }, 'the services of openbell.v1 cannot be loaded: the files of the program were replaced; start it again'),
    // A proxy's connection carries many clients, which may all leave at once.
    ...(config.authProxies === undefined && !identity.open && { resetBurst: DIRECT_RESET_BURST }),
    identity,
    // Without a client CA these are scanners and clients of TLS 1.2, which identity does not concern.
    ...(config.tlsClientCa !== undefined && { onHandshakeRejected: (peer, reason) => audit.record(handshakeRejected(peer, reason)) }),
  });
}

function handshakeRejected(peer: string, reason: string): AuditEvent {
  return { kind: 'identity', subject: '', action: 'gRPC TLS handshake', outcome: codeName(Code.UNAUTHENTICATED), peer, detail: reason };
}

/** Adds the flag that changes the port to the error when the port is taken. */
async function listening(port: Promise<number>, what: string, host: string, wanted: number, flag: string): Promise<number> {
  try {
    return await port;
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    const message = `cannot listen for ${what} on ${host}:${wanted} (${cause.message}); stop what uses the port or choose another with ${flag}`;
    throw Object.assign(new Error(message, { cause }), { code: cause.code ?? 'EADDRINUSE' });
  }
}
