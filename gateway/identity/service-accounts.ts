import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { ConfigError, type Place } from '../config/config-place.ts';
import { YamlSource } from '../config/yaml-source.ts';
import { CredentialError, type Grant, readGrant, readSubject } from './principal.ts';

/** A program that authenticates with a key or a certificate, and its rights. */
export interface ServiceAccount extends Grant {
  readonly subject: string;
}

export interface KeyAccount extends ServiceAccount {
  /** Ed25519. */
  readonly publicKey: KeyObject;
  /** SHA-256 of the public key (SubjectPublicKeyInfo), base64url: a replaced key has another one. */
  readonly thumbprint: string;
}

/** Service accounts, which need no token issuer: `--auth-keys FILE`, docs/SECURITY.md. */
export interface ServiceAccounts {
  /** By key id. */
  readonly keys: ReadonlyMap<string, KeyAccount>;
  /** By subject alternative name of type URI. */
  readonly uris: ReadonlyMap<string, ServiceAccount>;
  /** By {@link canonicalName} of the distinguished name. */
  readonly names: ReadonlyMap<string, ServiceAccount>;
}

/** The id of an API key. */
export const KEY_ID = /^[\w.:-]{1,64}$/;

/** @throws ConfigError with every problem */
export function readServiceAccounts(file: string, text: string): ServiceAccounts {
  const source = new YamlSource(file, text);
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  const root = source.root.fields(['keys', 'certificates']) ?? {};
  const keys = new Map<string, KeyAccount>();
  const uris = new Map<string, ServiceAccount>();
  const names = new Map<string, ServiceAccount>();
  for (const place of root.keys?.items() ?? []) {
    const fields = place.fields(['id', 'public-key', 'subject', 'roles', 'accounts']) ?? {};
    const id = fields.id?.text();
    if (id === undefined || !KEY_ID.test(id)) place.fail('needs an id: 1 to 64 letters, digits, . : - _');
    const publicKey = readKey(place, fields['public-key']);
    const serviceAccount = readServiceAccount(place, fields, id ?? '');
    if (id === undefined || publicKey === undefined || serviceAccount === undefined) continue;
    if (keys.has(id)) place.fail(`id ${id} is used twice; choose another`);
    keys.set(id, { ...serviceAccount, publicKey, thumbprint: thumbprintOf(publicKey) });
  }
  for (const place of root.certificates?.items() ?? []) {
    const fields = place.fields(['uri', 'name', 'subject', 'roles', 'accounts']) ?? {};
    const [uri, name] = [fields.uri?.text(), fields.name?.text()];
    if ((uri === undefined) === (name === undefined)) place.fail('needs either uri (a SPIFFE id) or name (CN=...,O=...)');
    const serviceAccount = readServiceAccount(place, fields, uri ?? name ?? '');
    if (serviceAccount === undefined) continue;
    const [map, key] = uri !== undefined ? [uris, uri] : [names, canonicalName(name ?? '')];
    if (map.has(key)) place.fail(`${uri ?? name} is there twice; remove one`);
    map.set(key, serviceAccount);
  }
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  return { keys, uris, names };
}

/** Envoy writes the parts of a distinguished name from the last to the first, Node from the first to the last; the result does not depend on the order. */
export function canonicalName(name: string): string {
  return name
    .split(/(?<!\\),/)
    .map((part) => part.trim())
    .sort()
    .join(',');
}

function readServiceAccount(
  place: Place,
  fields: Partial<Record<'subject' | 'roles' | 'accounts', Place>>,
  fallback: string,
): ServiceAccount | undefined {
  try {
    return { subject: readSubject(fields.subject?.text() ?? fallback), ...readGrant(fields.roles?.text(), fields.accounts?.text()) };
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return place.fail(error.message);
  }
}

function thumbprintOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

/** Base64 of the SubjectPublicKeyInfo, as between the lines of a PEM file, or that file's whole text. */
function readKey(place: Place, field: Place | undefined): KeyObject | undefined {
  const text = field?.text();
  if (field === undefined || text === undefined) return place.fail('needs a public-key: openssl pkey -in KEY -pubout');
  try {
    const key = text.includes('-----')
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType === 'ed25519' && !text.includes('PRIVATE')) return key;
  } catch {
    // Reported below. The value is not shown, because it may be the private key.
  }
  return field.fail('must be an Ed25519 public key, in PEM or as the base64 in there: openssl pkey -in KEY -pubout');
}
