import { BlockList, isIP } from 'node:net';

/** Networks of IPv4 that are not part of the public Internet (IANA special-purpose registry), the metadata services of clouds among them. */
const NOT_PUBLIC_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Public addresses of IPv6 are within it. Those that carry an address of IPv4 in another form are not, except for two networks below. */
const GLOBAL_V6 = '2000::/3';
/** Parts of it that are not public: protocols with Teredo, documentation, and 6to4, which hides an address of IPv4. */
const NOT_PUBLIC_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const notPublic = new BlockList();
const global = new BlockList();
for (const network of NOT_PUBLIC_V4) add(notPublic, network, 'ipv4');
for (const network of NOT_PUBLIC_V6) add(notPublic, network, 'ipv6');
add(global, GLOBAL_V6, 'ipv6');

function add(list: BlockList, network: string, family: 'ipv4' | 'ipv6'): void {
  const [address, bits] = network.split('/');
  list.addSubnet(address, Number(bits), family);
}

/** Whether an address belongs to the public Internet. Loopback, private, link-local, mapped, multicast and reserved ones do not. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !notPublic.check(address, 'ipv4');
  // An address with a zone is of a link.
  return version === 6 && !address.includes('%') && global.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
}

/** Whether an address is this host's loopback, written as one of IPv4 or IPv6. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
