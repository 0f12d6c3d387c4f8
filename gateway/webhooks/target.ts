import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';

/** Longest URL of an endpoint, characters. */
export const MAX_URL = 2048;

/** The URL cannot be that of an endpoint. The message says what to give. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

/**
 * The URL of an endpoint. A host that is an address is checked here; a name is checked each time that it is resolved.
 * @param loopback this host may be named, also with http: for tests and development
 * @throws TargetError
 */
export function readTarget(text: string, loopback: boolean): URL {
  if (text.length > MAX_URL) throw new TargetError(`the URL is longer than ${MAX_URL} characters`);
  const url = URL.parse(text);
  if (url === null) throw new TargetError('this is no URL; give one such as https://example.com/hooks');
  if (url.username !== '' || url.password !== '')
    throw new TargetError('the URL must not have a name and password; deliveries are signed instead');
  const host = hostOf(url);
  const own = loopback && (host === 'localhost' || isLoopbackAddress(host));
  if (url.protocol !== 'https:' && !(own && url.protocol === 'http:'))
    throw new TargetError('the URL must begin with https:, because alerts are private');
  if (isIP(host) !== 0 && !own && !isPublicAddress(host)) throw new TargetError(`${host} is not an address of the public Internet`);
  return url;
}

/** The host of a URL: a name, or an address without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}
