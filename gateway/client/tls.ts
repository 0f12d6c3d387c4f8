import { isIP } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { CallCredentials, ChannelCredentials, credentials } from '@grpc/grpc-js';
import { OpenbellError } from './errors.ts';
import type { Dispatcher } from './network.ts';
import type { ClientTls } from './types.ts';

const MIN_VERSION = 'TLSv1.3';
/** Node's code for a private key that belongs to another certificate. */
const KEY_OF_ANOTHER = 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
/** Key of the global agent of Node's HTTP client, undici; the only way to its class. */
const SHARED = Symbol.for('undici.globalDispatcher.1');

type ConnectorArguments = Parameters<ChannelCredentials['_createSecureConnector']>;
type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/** @throws OpenbellError TLS_FAILED when the certificates cannot be used; it does not quote them */
export function channelCredentials(host: string, tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const context = contextOf(tls);
  const address = host.replace(/^\[(.*)\]$/, '$1');
  return isIP(address) === 0 ? credentials.createFromSecureContext(context) : new AddressCredentials(address, context);
}

function contextOf(tls: ClientTls): SecureContext {
  try {
    return createSecureContext({ ...(tls as SecureContextOptions), minVersion: MIN_VERSION });
  } catch (error) {
    const { code = 'unknown format' } = error as NodeJS.ErrnoException;
    throw new OpenbellError(
      'TLS_FAILED',
      code === KEY_OF_ANOTHER
        ? 'the key does not fit its certificate: give the certificate and the key that were made for each other'
        : `the certificates for TLS cannot be used (${code}): give PEM, and a key that fits its certificate`,
    );
  }
}

/**
 * TLS to an address. `@grpc/grpc-js` would send it as the name of the server, which RFC 6066 forbids and Node warns of (DEP0123).
 * So no name is sent; the certificate must have the address, as `fetch` demands it too.
 */
class AddressCredentials extends ChannelCredentials {
  readonly #address: string;
  readonly #secureContext: SecureContext;

  constructor(address: string, secureContext: SecureContext) {
    super();
    this.#address = address;
    this.#secureContext = secureContext;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other instanceof AddressCredentials && other.#address === this.#address && other.#secureContext === this.#secureContext;
  }

  override _createSecureConnector(...[, , callCredentials = CallCredentials.createEmpty()]: ConnectorArguments): SecureConnector {
    return {
      connect: (plain) =>
        new Promise((resolve, reject) => {
          const options = { socket: plain, host: this.#address, secureContext: this.#secureContext, ALPNProtocols: ['h2'] };
          const socket = connectTls({ ...options, rejectUnauthorized: true }, () => resolve({ socket, secure: true }));
          socket.on('error', reject);
        }),
      waitForReady: async () => undefined,
      getCallCredentials: () => callCredentials,
      destroy: () => undefined,
    };
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
  return new Agent({ connect: { secureContext: contextOf(tls) } });
}
