import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { OpenbellError } from './errors.ts';
import type { Dispatcher } from './network.ts';
import type { ClientTls } from './types.ts';

const MIN_VERSION = 'TLSv1.3';
/** Key of the global agent of Node's HTTP client, undici; the only way to its class. */
const SHARED = Symbol.for('undici.globalDispatcher.1');

/** @throws OpenbellError TLS_FAILED when the certificates cannot be used; it does not quote them */
export function channelCredentials(tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  try {
    return credentials.createFromSecureContext(createSecureContext({ ...(tls as SecureContextOptions), minVersion: MIN_VERSION }));
  } catch (error) {
    const { code = 'unknown format' } = error as NodeJS.ErrnoException;
    throw new OpenbellError(
      'TLS_FAILED',
      `the certificates for TLS cannot be used (${code}): give PEM, and a key that fits its certificate`,
    );
  }
}

/**
 * The agent for `fetch` and `WebSocket`; undefined without TLS: the global one.
 * Node has no other way to set a CA or a client certificate for them.
 * @throws OpenbellError TLS_FAILED
 */
export function dispatcherFor(tls: ClientTls | undefined): Dispatcher | undefined {
  if (tls === undefined) return undefined;
  // Loads undici, which sets the global agent.
  void globalThis.WebSocket;
  const shared = (globalThis as { [SHARED]?: object })[SHARED];
  if (shared?.constructor.name !== 'Agent')
    throw new OpenbellError(
      'TLS_FAILED',
      "the process has replaced Node's HTTP agent: undo that, or put the authority into NODE_EXTRA_CA_CERTS",
    );
  const Agent = shared.constructor as new (options: object) => Dispatcher;
  return new Agent({ connect: { ...tls, minVersion: MIN_VERSION } });
}
