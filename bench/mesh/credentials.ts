import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Caller } from '../load/transport.ts';
import { envoyFile } from './bootstrap.ts';

export interface Credentials {
  /** Directory with all files that mesh/envoy needs. */
  readonly dir: string;
  /** The headers of a proxy that has verified the token. */
  readonly claims: Readonly<Record<string, string>>;
  readonly token: Readonly<Record<string, string>>;
  readonly tls: NonNullable<Caller['tls']>;
}

/** An authority, certificates, an issuer's key and a trader's token, newly created by openssl and jose. @throws Error when openssl fails */
export async function makeCredentials(root: string, accounts: readonly number[]): Promise<Credentials> {
  const dir = join(root, 'etc');
  mkdirSync(dir, { recursive: true });
  const path = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const key = (name: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    path(`${name}.key`),
  ];
  openssl('req', '-x509', ...key('clients'), '-out', path('clients.crt'), '-subj', '/CN=bench authority', '-days', '2');
  for (const name of ['server', 'client']) {
    writeFileSync(path(`${name}.ext`), 'subjectAltName=DNS:localhost\n');
    openssl('req', '-new', ...key(name), '-out', path(`${name}.csr`), '-subj', `/CN=${name}`);
    const signer = ['-CA', path('clients.crt'), '-CAkey', path('clients.key'), '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      path(`${name}.csr`),
      ...signer,
      '-days',
      '2',
      '-out',
      path(`${name}.crt`),
      '-extfile',
      path(`${name}.ext`),
    );
  }
  // The bench does not administrate through Envoy: one authority is enough.
  copyFileSync(path('clients.crt'), path('administrators.crt'));
  for (const name of ['server', 'clients', 'administrators', 'access-log'])
    writeFileSync(path(`${name}.yaml`), JSON.stringify(envoyFile(`secrets/${name}.yaml`, dir)));
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  writeFileSync(path('jwks.json'), JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'EdDSA' }] }));
  const named = accounts.join(' ');
  const token = await new SignJWT({ openbell_roles: 'trader', openbell_accounts: named })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'bench' })
    .setIssuer('https://issuer.openbell.example')
    .setAudience('openbell')
    .setSubject('bench')
    .setExpirationTime('2h')
    .sign(privateKey);
  return {
    dir,
    claims: {
      'x-openbell-subject': 'bench',
      'x-openbell-roles': 'trader',
      'x-openbell-accounts': named,
      'x-openbell-expires': '9999999999',
    },
    token: { authorization: `Bearer ${token}` },
    tls: { ca: path('clients.crt'), cert: path('client.crt'), key: path('client.key') },
  };
}
