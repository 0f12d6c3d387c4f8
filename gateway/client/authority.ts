/** A host and its port as URLs write them: an IPv6 address in brackets, also when it comes in brackets. */
export function authority(host: string, port: number): string {
  if (host.startsWith('[') && host.endsWith(']')) return `${host}:${port}`;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
