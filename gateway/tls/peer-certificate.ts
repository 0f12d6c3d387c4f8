import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';

/** Who a client certificate names. It was verified against the client CA before anyone gets to see this. */
export interface PeerCertificate {
  /** Distinguished name in one line, such as `CN=desk-7,O=Acme`; empty when the certificate names nobody there. */
  readonly subject: string;
  /** Subject alternative names of type DNS. */
  readonly dnsNames: readonly string[];
  /** Subject alternative names of type URI, such as `spiffe://openbell/desk-7`. */
  readonly uris: readonly string[];
  /** SHA-256 of the certificate, hex in pairs with colons. */
  readonly fingerprint: string;
}

/** The verified client certificate of a connection; undefined without TLS, or when the client showed none. */
export function peerCertificateOf(socket: unknown): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate && readPeerCertificate(certificate);
}

export function readPeerCertificate({ subject, subjectAltName, fingerprint256 }: X509Certificate): PeerCertificate {
  const names = alternativeNames(subjectAltName ?? '');
  return {
    subject: (subject ?? '').split('\n').join(','),
    dnsNames: names.filter(([type]) => type === 'DNS').map(([, name]) => name),
    uris: names.filter(([type]) => type === 'URI').map(([, name]) => name),
    fingerprint: fingerprint256,
  };
}

/**
 * Node gives them in one text, `DNS:a, URI:b`; a name with a comma, a quote or
 * a control character comes as a JSON string, so that it cannot pass for two.
 */
function alternativeNames(text: string): [type: string, name: string][] {
  return Array.from(text.matchAll(/([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g), ([, type, name]) => [
    type,
    name.startsWith('"') ? (JSON.parse(name) as string) : name,
  ]);
}
