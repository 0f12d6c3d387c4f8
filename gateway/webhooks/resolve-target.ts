import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';
import { hostOf } from './target.ts';

/** Time limit of one question to a name server, ms, and how often it is put. */
const DNS_TIMEOUT_MS = 3000;
const DNS_TRIES = 2;

/** The addresses of a name. Rejects if there are none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** The host has no address, or one that requests must not go to. */
export class UnresolvedError extends Error {
  override readonly name = 'UnresolvedError';
  readonly code: 'DNS_FAILED' | 'ADDRESS_REFUSED';

  constructor(code: UnresolvedError['code']) {
    super(code);
    this.code = code;
  }
}

/**
 * Asks the name servers over sockets of its own. `dns.lookup` would take threads of libuv's pool, which the log needs for its flushes: a slow
 * name server could keep all of them busy.
 */
export function nameServers(): Lookup {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  };
}

/**
 * The address to which a request of this URL is sent. The connection must be made to it, not to the name, because a second resolution
 * may give another address. If one of the addresses of a name is not public, none is used.
 * @param loopback as for `readTarget`
 * @throws UnresolvedError
 */
export async function resolveTarget(url: URL, lookup: Lookup, loopback: boolean): Promise<string> {
  const host = hostOf(url);
  const addresses = isIP(host) !== 0 ? [host] : loopback && host === 'localhost' ? ['127.0.0.1'] : await asked(lookup, host);
  if (addresses.length === 0) throw new UnresolvedError('DNS_FAILED');
  const allowed = (address: string) => isPublicAddress(address) || (loopback && isLoopbackAddress(address));
  if (!addresses.every(allowed)) throw new UnresolvedError('ADDRESS_REFUSED');
  return addresses[0];
}

async function asked(lookup: Lookup, name: string): Promise<readonly string[]> {
  try {
    return await lookup(name);
  } catch {
    throw new UnresolvedError('DNS_FAILED');
  }
}
