import { Code } from '../../engine/codes.ts';
import { decimalToUnits, numberToDecimal, unitsToDecimal } from '../../engine/decimal.ts';
import { OpenbellError } from './errors.ts';
import { failureText, type TlsFault, tlsFault } from './failure-text.ts';
import { type Dispatcher, request } from './network.ts';
import type { TokenSource } from './token-source.ts';
import type { Decimal, SymbolDefinition } from './types.ts';

const FETCH_TIMEOUT_MS = 5000;
/** Header by which a gateway in front of several shards routes. */
export const SHARD_HEADER = 'x-symbol-shard';
const RUNNING = 'is the exchange running there?';
/** Names the option of the client, and that of the command line. */
const ADVICE: Readonly<Record<TlsFault, string>> = {
  'unknown authority': 'give the CA certificates of the exchange, as tls.ca or with --tls-ca',
  certificate: 'use a certificate that is valid for this address, or an address that the certificate names',
  'no tls': 'connect without TLS, or to another port',
  perhaps: `${RUNNING} If it uses TLS, give tls, or --tls or --tls-ca`,
};

/** One symbol with its units: decimal text to ticks and lots and back, exactly. */
export class SymbolUnits {
  readonly id: number;
  readonly name: string;
  readonly definition: SymbolDefinition;
  readonly tick: Unit;
  readonly lot: Unit;

  constructor(definition: SymbolDefinition) {
    this.id = definition.id;
    this.name = definition.name;
    this.definition = definition;
    this.tick = readUnit(definition.tickSize);
    this.lot = readUnit(definition.lotSize);
  }

  /** @throws DecimalError when it is not a whole number of ticks */
  ticks(price: Decimal): number {
    return decimalToUnits(decimalText(price), this.tick.mantissa, this.tick.decimals);
  }

  /** @throws DecimalError when it is not a whole number of lots */
  lots(quantity: Decimal): number {
    return decimalToUnits(decimalText(quantity), this.lot.mantissa, this.lot.decimals);
  }

  price(ticks: number): string {
    return unitsToDecimal(ticks, this.tick.mantissa, this.tick.decimals);
  }

  quantity(lots: number): string {
    return unitsToDecimal(lots, this.lot.mantissa, this.lot.decimals);
  }

  /** Money in the quote asset. */
  money(units: number): string {
    const { quoteDecimals } = this.definition;
    return quoteDecimals === undefined ? String(units) : unitsToDecimal(units, 1, quoteDecimals);
  }
}

function decimalText(value: Decimal): string {
  return typeof value === 'number' ? numberToDecimal(value) : String(value);
}

export interface Unit {
  readonly mantissa: number;
  readonly decimals: number;
}

/** The smallest step, "0.025", as 25 * 10^-3. */
function readUnit(text: string): Unit {
  const point = text.indexOf('.');
  const decimals = point === -1 ? 0 : text.length - point - 1;
  return { mantissa: decimalToUnits(text, 1, decimals), decimals };
}

/** The symbols that the client knows, by name and id. */
export class SymbolCatalog {
  readonly #url: string | undefined;
  readonly #tokens: TokenSource | undefined;
  readonly #dispatcher: Dispatcher | undefined;
  readonly #shard: number | undefined;
  readonly #byName = new Map<string, SymbolUnits>();
  readonly #byId = new Map<number, SymbolUnits>();

  /** @param source the address of `/v1/symbols`, or the definitions themselves */
  constructor(source: string | readonly SymbolDefinition[], tokens?: TokenSource, dispatcher?: Dispatcher, shard?: number) {
    this.#dispatcher = dispatcher;
    this.#shard = shard;
    this.#tokens = tokens;
    this.#url = typeof source === 'string' ? source : undefined;
    if (typeof source !== 'string') this.#keep(source);
  }

  /** Reads the symbols from the exchange again; does nothing when the definitions were given. */
  async load(): Promise<void> {
    const url = this.#url;
    if (url === undefined) return;
    let body: unknown;
    try {
      const token = await this.#tokens?.get();
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      if (this.#shard !== undefined) headers[SHARD_HEADER] = String(this.#shard);
      const response = await request(url, { headers, signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) }, this.#dispatcher);
      if (response.status === 401 || response.status === 403) throw rejected((await response.json()) as Parameters<typeof rejected>[0]);
      if (!response.ok) throw new Error(await problemOf(response));
      body = await response.json();
    } catch (error) {
      if (error instanceof OpenbellError) throw error;
      const fault = tlsFault(url, error);
      const advice = fault === undefined ? RUNNING : ADVICE[fault];
      throw new OpenbellError('HTTP_FAILED', `cannot read the symbols from ${url} (${failureText(error)}): ${advice}`);
    }
    if (!Array.isArray(body) || !body.every(isDefinition))
      throw new OpenbellError('HTTP_FAILED', `${url} did not answer with symbols: is it openbell?`);
    this.#keep(body);
  }

  all(): SymbolUnits[] {
    return [...this.#byId.values()];
  }

  get(symbol: string | number): SymbolUnits | undefined {
    return typeof symbol === 'number' ? this.#byId.get(symbol) : this.#byName.get(symbol);
  }

  /** The symbol; an unknown one is looked up at the exchange once. */
  async find(symbol: string | number): Promise<SymbolUnits> {
    if (symbol === '') throw new OpenbellError('BAD_PARAMETER', 'symbol is empty: give its name or its id', Code.BAD_PARAMETER);
    if (this.get(symbol) === undefined) await this.load();
    const found = this.get(symbol);
    if (found !== undefined) return found;
    const names = [...this.#byName.keys()].slice(0, 10).join(', ');
    throw new OpenbellError('UNKNOWN_SYMBOL', `there is no symbol ${symbol}; there are: ${names}`);
  }

  #keep(definitions: readonly SymbolDefinition[]): void {
    for (const definition of definitions) {
      const units = new SymbolUnits(definition);
      this.#byName.set(units.name, units);
      this.#byId.set(units.id, units);
    }
  }
}

/** A symbol's name as a segment of a URL's path. @throws OpenbellError UNKNOWN_SYMBOL for a name that no path can contain */
export function pathOf(symbol: string): string {
  if (symbol === '' || symbol === '.' || symbol === '..')
    throw new OpenbellError('UNKNOWN_SYMBOL', `UNKNOWN_SYMBOL: ${JSON.stringify(symbol)} is no name of a symbol that requests can address`);
  return encodeURIComponent(symbol);
}

/** Such as `RECOVERING`, if the exchange has answered. */
async function problemOf(response: Response): Promise<string> {
  const { name } = ((await response.json().catch(() => undefined)) ?? {}) as { name?: string };
  return name ?? `HTTP status ${response.status}`;
}

function rejected({ code, name, message }: { code?: number; name?: string; message?: string }): OpenbellError {
  return new OpenbellError(name ?? 'UNAUTHENTICATED', message ?? 'the exchange asks for credentials', code);
}

function isDefinition(value: unknown): value is SymbolDefinition {
  const { id, name, tickSize, lotSize } = (value ?? {}) as Partial<Record<keyof SymbolDefinition, unknown>>;
  return typeof id === 'number' && typeof name === 'string' && typeof tickSize === 'string' && typeof lotSize === 'string';
}
