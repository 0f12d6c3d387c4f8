import { BlockList, isIP } from 'node:net';

/** Claims that a proxy has verified: subject, roles, accounts, expiry in seconds since the Unix epoch and, optionally, the certificate to which the token is bound. */
export const CLAIM_HEADERS = [
  'x-openbell-subject',
  'x-openbell-roles',
  'x-openbell-accounts',
  'x-openbell-expires',
  'x-openbell-certificate',
] as const;
/** Headers that describe a caller. Only a listed proxy may send them. */
export const PROXY_HEADERS = [...CLAIM_HEADERS, 'x-forwarded-client-cert'] as const;

/** Addresses of trusted proxies. IPv4-mapped IPv6 addresses count as IPv4. */
export class ProxyList {
  readonly #list = new BlockList();

  /** @param cidrs such as 10.0.0.0/8, ::1, 127.0.0.1 @throws Error whose message begins with "must" */
  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [address, bits] = cidr.split('/', 2);
      const version = isIP(address);
      const width = version === 4 ? 32 : 128;
      const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
      const wrong = version === 0 || cidr.split('/').length > 2 || prefix < 1 || prefix > width;
      if (wrong || (version === 6 && holdsMapped(address, prefix)))
        throw new Error(`must be addresses or networks such as 127.0.0.0/8,::1 (prefix from 1: a prefix of 0 would trust every address)`);
      this.#list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
    }
  }

  /** @param address an IPv4 or IPv6 literal; anything else is not in the list */
  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/** Whether an IPv6 network holds all of IPv4, as `::ffff:10.0.0.0/8` does where 10.0.0.0/8 is meant. */
function holdsMapped(address: string, prefix: number): boolean {
  const network = new BlockList();
  network.addSubnet(address, prefix, 'ipv6');
  return network.check('::ffff:0.0.0.1', 'ipv6') && network.check('::ffff:255.255.255.254', 'ipv6');
}
