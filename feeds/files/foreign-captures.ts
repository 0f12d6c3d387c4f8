import type { CaptureEvent, CaptureHeader } from './capture-lines.ts';

/**
 * Recordings that other programs made, read as captures. Two formats are known, by their first line:
 *
 *   1723161254024619568 {"stream":"ethusdt@bookTicker","data":{...}}     hftbacktest's collector, Binance: nanoseconds, a
 *   1723161254152322667 {"lastUpdateId":35346513512,"bids":...}          frame; snapshots of the file's one instrument between
 *
 *   wss://ws-feed.pro.coinbase.com <-> 1618677816.8434298                cryptofeed: a connection, then seconds and
 *   wss://ws-feed.pro.coinbase.com <- 1618677817.020616: {...}           what was sent (with the address) or
 *   1618677817.061845: {"type":"subscriptions",...}                      received (without it)
 */
export interface ForeignFormat {
  readonly header: CaptureHeader;
  /** The events of a line, the first one included. @returns undefined if it is not of the format */
  read(line: string): readonly CaptureEvent[] | undefined;
}

/** @param first line of the file @returns undefined if it is none of them */
export function foreignFormat(first: string): ForeignFormat | undefined {
  if (/^\d{19} \{/.test(first)) return new CollectorFormat(first);
  const log = /^(wss:\/\/\S+) <-> \d/.exec(first);
  return log === null ? undefined : new LogFormat(log[1]);
}

const COLLECTOR = 'collector';

class CollectorFormat implements ForeignFormat {
  readonly header: CaptureHeader = { kind: 'header', exchange: 'BINANCE' };
  readonly #futures: boolean;
  #connected = false;
  /** Of the newest frame. The snapshots do not name theirs. */
  #symbol = '';

  constructor(first: string) {
    // Spot quotes have no event name; spot changes have no number of the one before.
    this.#futures = /"e":"(bookTicker|aggTrade)"|"pu":/.test(first);
  }

  read(line: string): CaptureEvent[] | undefined {
    const found = /^(\d{16})\d{3} (\{.*)$/s.exec(line);
    if (found === null) return undefined;
    const timeUs = Number(found[1]);
    const data = found[2];
    const events: CaptureEvent[] = [];
    if (!this.#connected) events.push({ kind: 'connect', conn: COLLECTOR, timeUs, address: this.#address() });
    this.#connected = true;
    this.#symbol = /^\{"stream":"(\w+)@/.exec(data)?.[1]?.toUpperCase() ?? this.#symbol;
    if (!data.startsWith('{"lastUpdateId":')) events.push({ kind: 'recv', conn: COLLECTOR, timeUs, data });
    else events.push({ kind: 'http', conn: COLLECTOR, timeUs, url: this.#depthUrl(), data });
    return events;
  }

  #address(): string {
    return this.#futures ? 'wss://fstream.binance.com/stream' : 'wss://stream.binance.com:9443/stream';
  }

  #depthUrl(): string {
    const base = this.#futures ? 'https://fapi.binance.com/fapi/v1' : 'https://api.binance.com/api/v3';
    return `${base}/depth?symbol=${this.#symbol}&limit=1000`;
  }
}

class LogFormat implements ForeignFormat {
  readonly header: CaptureHeader;
  /** Of the newest connection. */
  #address: string;

  constructor(address: string) {
    this.#address = address;
    this.header = { kind: 'header', exchange: /\bcoinbase\b/.test(address) ? 'COINBASE' : new URL(address).hostname };
  }

  read(line: string): CaptureEvent[] | undefined {
    const found = /^(?:(wss:\/\/\S+) (<->|<-) )?(\d+(?:\.\d+)?)(?:: (.*))?$/s.exec(line);
    if (found === null) return undefined;
    const [, address, direction, seconds, data] = found;
    const timeUs = Math.round(Number(seconds) * 1e6);
    if (direction === '<->') {
      this.#address = address;
      return [{ kind: 'connect', conn: address, timeUs, address }];
    }
    if (data === undefined) return undefined;
    return [{ kind: direction === '<-' ? 'send' : 'recv', conn: address ?? this.#address, timeUs, data }];
  }
}
