const GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * The network whose addresses count as one peer: an IPv4 address itself, the first 64 bits of an IPv6 address, because a host usually
 * controls all addresses of such a network.
 * @param address as Node or the sockets write it, with or without `::`
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [before, after] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const groups =
    after === undefined ? before : [...before, ...Array(Math.max(0, GROUPS - before.length - after.length)).fill('0'), ...after];
  return groups.slice(0, NETWORK_GROUPS).join(':');
}
