import type { webcrypto } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CompactSign, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'openbell';

/** An issuer with its own keys, which can serve their JWKS over real HTTP. */
export class Issuer {
  readonly keys: { kid: string; alg: string; privateKey: webcrypto.CryptoKey; jwk: JWK }[] = [];
  /** How often the JWKS was fetched. */
  fetches = 0;
  /** What is served instead of the JWKS. */
  broken: string | undefined;
  #server: Server | undefined;

  async addKey(alg: string): Promise<string> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const kid = `k${this.keys.length + 1}`;
    this.keys.push({ kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } });
    return kid;
  }

  get jwks(): string {
    return JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) });
  }

  /** @returns the address of the JWKS */
  async serve(): Promise<string> {
    const server = createServer((_, response) => {
      this.fetches++;
      response.end(this.broken ?? this.jwks);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  /** A token, by default of a trader of account 1, good for a minute, signed with the first key. */
  async token(claims: JWTPayload = {}, header: { kid?: string; alg?: string } = {}): Promise<string> {
    const key = this.keys.find(({ kid }) => kid === (header.kid ?? this.keys[0].kid)) ?? this.keys[0];
    const now = Math.floor(Date.now() / 1000);
    return await new SignJWT({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: 'alice',
      exp: now + 60,
      openbell_roles: 'trader',
      openbell_accounts: '1',
      ...claims,
    })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
      .sign(key.privateKey);
  }

  /** A token that is good but for one claim, which is given as JSON text, such as `"exp": 1e400`. */
  async written(claim: string): Promise<string> {
    const [name] = claim.split(':');
    const good = Buffer.from((await this.token()).split('.')[1], 'base64url').toString();
    const { [JSON.parse(name) as string]: _, ...others } = JSON.parse(good);
    const payload = `${JSON.stringify(others).slice(0, -1)},${claim}}`;
    const [{ alg, kid, privateKey }] = this.keys;
    return await new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg, kid }).sign(privateKey);
  }
}
