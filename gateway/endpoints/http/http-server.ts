import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Certificates } from '../../tls/certificates.ts';
import { serverTls } from '../../tls/server-tls.ts';

/** Time limit for the headers of a request; ms. */
const HEADERS_TIMEOUT_MS = 5000;
/** Time limit for a complete request, headers and body; ms. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Interval of the check of these limits; the library's own is 30 s. */
const TIMEOUT_CHECK_MS = 500;

/** Node's server with the time limits of this port, over TLS if there are certificates, which it follows when they change. */
export function createHttpServer(certificates: Certificates | undefined, listener: RequestListener): Server {
  const timeouts = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  };
  if (certificates === undefined) return createServer(timeouts, listener);
  const server = createSecureServer({ ...timeouts, ...serverTls(certificates.current, { required: false }) }, listener);
  certificates.onChange((material) => server.setSecureContext(serverTls(material, { required: false })));
  return server;
}
