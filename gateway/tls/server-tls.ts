import type { TlsOptions } from 'node:tls';
import type { TlsMaterial } from './tls-material.ts';

/** Time limit of a TLS handshake, ms. */
const HANDSHAKE_MS = 10_000;

/**
 * Options of a server of node:tls, node:https or node:http2.
 * @param required with a client CA: false accepts clients without a certificate; the server checks `authorized`
 */
export function serverTls({ cert, key, clientCa }: TlsMaterial, { required }: { required: boolean }): TlsOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.3',
    handshakeTimeout: HANDSHAKE_MS,
    ...(clientCa && { ca: clientCa, requestCert: true, rejectUnauthorized: required }),
  };
}
