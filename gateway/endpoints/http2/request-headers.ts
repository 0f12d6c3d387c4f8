import { fieldBytes } from './header-table.ts';
import type { HeaderSink } from './hpack-decoder.ts';

/** Values by name, pseudo headers included. Text has a character per byte; a header that was sent more than once has its values joined. */
export type IncomingHeaders = Readonly<Record<string, string | undefined>>;

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** No control characters but tabs, and no blank at either end. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const PSEUDO = new Set([':method', ':scheme', ':path', ':authority']);
/** They are of a connection of HTTP/1.1 (RFC 9113, 8.2.2). */
const OF_CONNECTION = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
/** Of several, the first counts. */
const SINGLE = new Set(['authorization', 'content-type', 'host', 'user-agent']);

/** Takes the fields of one header block, and checks them (RFC 9113, 8.2 and 8.3). It stops keeping them at the first fault. */
export class RequestHeaders implements HeaderSink {
  readonly values: Record<string, string | undefined> = Object.create(null);
  /** They break a rule of the protocol. */
  isMalformed = false;
  /** They are more than was announced as the most. */
  isTooLong = false;
  /** -1: not announced. */
  contentLength = -1;
  readonly #isTrailers: boolean;
  /** Bytes that may follow. */
  #left: number;
  #isPastPseudo = false;

  /** @param most bytes, with the overhead of each field (RFC 9113, 6.5.2) */
  constructor(isTrailers: boolean, most: number) {
    this.#isTrailers = isTrailers;
    this.#left = most;
  }

  onHeader(name: string, value: string): void {
    if (this.isMalformed || this.isTooLong) return;
    this.#left -= fieldBytes(name, value);
    if (this.#left < 0) this.isTooLong = true;
    else if (!VALUE.test(value) || !(name.startsWith(':') ? this.#takePseudo(name, value) : this.#take(name, value)))
      this.isMalformed = true;
  }

  /** Call it behind the last field. */
  end(): void {
    if (this.#isTrailers || this.isTooLong) return;
    const { ':method': method, ':scheme': scheme, ':path': path, ':authority': authority } = this.values;
    if (method === 'CONNECT') this.isMalformed ||= scheme !== undefined || path !== undefined || authority === undefined;
    else this.isMalformed ||= !method || !scheme || !path;
  }

  #takePseudo(name: string, value: string): boolean {
    if (this.#isTrailers || this.#isPastPseudo || !PSEUDO.has(name) || this.values[name] !== undefined) return false;
    this.values[name] = value;
    return true;
  }

  #take(name: string, value: string): boolean {
    this.#isPastPseudo = true;
    if (!NAME.test(name) || OF_CONNECTION.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers')) return false;
    if (name === 'content-length' && !this.#takeLength(value)) return false;
    const before = this.values[name];
    if (before === undefined) this.values[name] = value;
    else if (!SINGLE.has(name)) this.values[name] = `${before}${name === 'cookie' ? ';' : ','} ${value}`;
    return true;
  }

  #takeLength(value: string): boolean {
    if (!/^\d{1,15}$/.test(value) || this.contentLength !== -1) return false;
    this.contentLength = Number(value);
    return true;
  }
}
