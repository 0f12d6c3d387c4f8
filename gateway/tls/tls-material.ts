import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** Paths of PEM files. */
export interface TlsFiles {
  /** The server's certificate, then its intermediate certificates. */
  readonly cert: string;
  readonly key: string;
  /** CA certificates for client certificates; with them, client certificates are required. */
  readonly clientCa: string | undefined;
}

/** The content of the files, checked to be consistent. */
export interface TlsMaterial {
  readonly files: TlsFiles;
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
  readonly expiries: readonly CertificateExpiry[];
}

export interface CertificateExpiry {
  readonly certificate: 'server' | 'client-ca';
  readonly subject: string;
  /** Unix time, ms. */
  readonly validTo: number;
}

/** The files do not make a usable pair; `message` names the file and never quotes it. */
export class TlsError extends Error {
  readonly code = 'OPENBELL_TLS';
}

/** Reads and checks. @throws TlsError */
export function readTlsMaterial(files: TlsFiles): TlsMaterial {
  const cert = read(files.cert, '--tls-cert');
  const key = read(files.key, '--tls-key');
  const clientCa = files.clientCa === undefined ? undefined : read(files.clientCa, '--tls-client-ca');
  const server = parse(files.cert, '--tls-cert', () => new X509Certificate(cert));
  const authorities = clientCa === undefined ? [] : certificatesIn(clientCa, files.clientCa ?? '');
  const privateKey = parse(files.key, '--tls-key', () => createPrivateKey(key));
  if (!server.checkPrivateKey(privateKey))
    throw new TlsError(`${files.key} is not the key of the certificate in ${files.cert}: give the two that were issued together`);
  // Certificates after the first of the file are parsed only here.
  parse(files.cert, '--tls-cert', () => createSecureContext({ cert, key, ca: clientCa, minVersion: 'TLSv1.3' }));
  return {
    files,
    cert,
    key,
    clientCa,
    expiries: [expiry('server', server), ...authorities.map((authority) => expiry('client-ca', authority))],
  };
}

function read(file: string, flag: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TlsError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code}); give a PEM file with ${flag}`);
  }
}

/** The library's message could quote its input, so only its code is shown. */
function parse<T>(file: string, flag: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code = 'unknown format' } = error as NodeJS.ErrnoException;
    throw new TlsError(`${file}: not a whole PEM file without a passphrase (${code}); give one with ${flag}`);
  }
}

function certificatesIn(pem: Buffer, file: string): X509Certificate[] {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0)
    throw new TlsError(`${file}: holds no certificate; give the authorities of client certificates with --tls-client-ca`);
  return blocks.map((block) => parse(file, '--tls-client-ca', () => new X509Certificate(block)));
}

function expiry(certificate: CertificateExpiry['certificate'], { subject, validTo }: X509Certificate): CertificateExpiry {
  return { certificate, subject: (subject ?? '').split('\n').join(','), validTo: Date.parse(validTo) };
}
