import type { HttpResponse } from 'uWebSockets.js';
import { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';

/** The subject of a client certificate, which was verified against the client CA. */
export interface PeerCertificate {
  /** Distinguished name in one line, such as `CN=desk-7,O=Acme`; empty when the certificate has none. */
  readonly subject: string;
  /** Subject alternative names of type DNS. */
  readonly dnsNames: readonly string[];
  /** Subject alternative names of type URI, such as `spiffe://openbell/desk-7`. */
  readonly uris: readonly string[];
  /** SHA-256 of the certificate, hex in pairs with colons. */
  readonly fingerprint: string;
  /** Expiry, ms since the Unix epoch. */
  readonly expiresAt: number;
}

/** The peer of a connection. */
export interface Peer {
  /** IPv4 or IPv6 literal without the port; IPv4-mapped IPv6 is given as IPv4. Empty when the peer has disconnected. */
  readonly address: string;
  /** Its verified client certificate; undefined without mutual TLS. */
  readonly certificate: PeerCertificate | undefined;
}

/** @param socket a socket of node:net or node:tls */
export function peerOf(socket: { readonly remoteAddress?: string | undefined }): Peer {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
  const shown = socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return { address, certificate: shown && readPeerCertificate(shown) };
}

/** The peer of a WebSocket upgrade request; valid as long as `res`. */
export function peerOfUpgrade(res: HttpResponse): Peer {
  const pem = clientCertificateOf(res);
  return {
    address: peerAddress(res),
    certificate: pem === undefined ? undefined : readPeerCertificate(new X509Certificate(pem)),
  };
}

/** As in {@link Peer}. */
export function peerAddress(res: HttpResponse): string {
  return addressText(Buffer.from(res.getRemoteAddress()));
}

/**
 * PEM of the client certificate, undefined without one. uWebSockets verifies
 * a certificate during the handshake, but accepts clients without one.
 */
export function clientCertificateOf(res: HttpResponse): string | undefined {
  // An app without TLS has no such method, and the types declare it for neither.
  const { getX509Certificate } = res as { getX509Certificate?: () => string };
  return getX509Certificate?.call(res) || undefined;
}

function readPeerCertificate({ subject, subjectAltName, fingerprint256, validTo }: X509Certificate): PeerCertificate {
  const names = alternativeNames(subjectAltName ?? '');
  return {
    subject: (subject ?? '').split('\n').join(','),
    dnsNames: names.filter(([type]) => type === 'DNS').map(([, name]) => name),
    uris: names.filter(([type]) => type === 'URI').map(([, name]) => name),
    fingerprint: fingerprint256,
    expiresAt: Date.parse(validTo),
  };
}

/**
 * Node gives them in one text, `DNS:a, URI:b`; a name with a comma, a quote or
 * a control character comes as a JSON string, so that it cannot be mistaken for two.
 */
function alternativeNames(text: string): [type: string, name: string][] {
  return Array.from(text.matchAll(/([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g), ([, type, name]) => [
    type,
    name.startsWith('"') ? (JSON.parse(name) as string) : name,
  ]);
}

/** @param bytes 4 or 16, empty for a closed socket */
function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '';
  const hex = bytes.toString('hex');
  if (hex.startsWith(`${'0'.repeat(20)}ffff`)) return bytes.subarray(12).join('.');
  return (hex.match(/.{4}/g) ?? []).map((word) => Number.parseInt(word, 16).toString(16)).join(':');
}
