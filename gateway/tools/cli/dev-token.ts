import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { JWK } from 'jose';
import { readGrant, readSubject } from '../../identity/principal.ts';
import { print, printJson } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

interface Flags {
  readonly subject: string;
  readonly roles: string;
  readonly accounts: string;
  readonly ttl: number;
  readonly key: string;
  readonly jwks?: string;
  readonly out?: string;
  readonly issuer: string;
  readonly audience: string;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

export function devTokenCommand(program: Command): void {
  const command = program
    .command('dev-token')
    .summary('a token for a demo')
    .description(
      'Prints a token signed with a key of your own. For demos and tests only: the key file gives access to every account. Use a token issuer in production.',
    )
    .requiredOption('--subject <name>', 'whose token')
    .requiredOption('--roles <roles>', 'such as "trader auditor"')
    .option('--accounts <ids>', 'such as "1 2", or "*"', '')
    .option('--ttl <time>', 'lifetime, such as 15m', seconds, 3600)
    .option('--key <file>', 'private key (PEM); created if missing', 'openbell-dev-key.pem')
    .option('--jwks <file>', 'write the public key there, for --auth-jwks')
    .option('--out <file>', 'write the token there, readable for its owner only, instead of printing it')
    .option('--issuer <name>', 'for --auth-issuer', 'openbell-dev')
    .option('--audience <name>', 'for --auth-audience', 'openbell')
    .option('--json', 'JSON instead of text')
    .addHelpText(
      'after',
      `
Examples:
  openbell dev-token --subject me --roles "operator auditor" --accounts "*" --jwks jwks.json > token
  openbell start --auth-jwks jwks.json --auth-issuer openbell-dev --auth-audience openbell
  openbell account 1 --token-file token`,
    );
  command.action(() =>
    run(async () => {
      const flags = command.opts<Flags & { readonly json?: true }>();
      const token = await devToken(flags);
      if (flags.out !== undefined) writeFileSync(flags.out, `${token}\n`, { mode: 0o600 });
      if (flags.json) printJson(flags.out === undefined ? { token } : { file: flags.out });
      else if (flags.out === undefined) print(token);
      return ExitCode.Ok;
    }),
  );
}

async function devToken({ subject, roles, accounts, ttl, key, jwks, issuer, audience }: Flags): Promise<string> {
  try {
    readSubject(subject);
    readGrant(roles, accounts);
  } catch (error) {
    throw new CliError((error as Error).message, ExitCode.Usage);
  }
  const { SignJWT } = await import('jose');
  const { privateKey, publicJwk, kid } = await keyOf(key);
  if (jwks !== undefined) writeFileSync(jwks, `${JSON.stringify({ keys: [publicJwk] }, null, 2)}\n`);
  return await new SignJWT({ openbell_roles: roles, openbell_accounts: accounts })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime(`${ttl}s`)
    .sign(privateKey);
}

/** ES256, which all proxies and libraries support. */
async function keyOf(file: string) {
  const { calculateJwkThumbprint, importPKCS8 } = await import('jose');
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600, flag: 'wx' });
  }
  try {
    const privateKey = await importPKCS8(readFileSync(file, 'utf8'), 'ES256', { extractable: true });
    const { kty, crv, x, y } = (await crypto.subtle.exportKey('jwk', privateKey)) as JWK;
    const publicJwk = { kty, crv, x, y } as JWK;
    const kid = await calculateJwkThumbprint(publicJwk);
    return { privateKey, publicJwk: { ...publicJwk, kid, alg: 'ES256', use: 'sig' }, kid };
  } catch {
    throw new CliError(`${file} is not a P-256 private key in PEM (PKCS #8): name a missing file to create one`, ExitCode.Usage);
  }
}

function seconds(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError('must be a time such as 90s, 15m, 8h or 1d.');
  return Number(match[1]) * UNITS[match[2]];
}
