import type { SymbolInfo } from '../../../../engine/threads/directory-info.ts';

/** Where symbols are looked up. */
export interface SymbolSource {
  symbol(id: number): SymbolInfo | undefined;
  symbolByName(name: string): SymbolInfo | undefined;
}

/** What of a symbol never changes. */
export interface SymbolEntry {
  readonly id: number;
  readonly name: string;
  /** The name in UTF-8. */
  readonly text: Uint8Array;
  readonly tickMantissa: number;
  readonly tickDecimals: number;
  readonly lotMantissa: number;
  readonly lotDecimals: number;
  readonly quoteDecimals: number;
}

/** Symbols by name and id, each read once. I/O thread. */
export class SymbolTable {
  readonly #source: SymbolSource;
  readonly #byId = new Map<number, SymbolEntry>();
  readonly #byName = new Map<string, SymbolEntry>();
  #last: SymbolEntry | undefined;

  constructor(source: SymbolSource) {
    this.#source = source;
  }

  byId(id: number): SymbolEntry | undefined {
    if (this.#last?.id === id) return this.#last;
    const known = this.#byId.get(id) ?? this.#keep(this.#source.symbol(id));
    if (known !== undefined) this.#last = known;
    return known;
  }

  byName(name: string): SymbolEntry | undefined {
    return this.#byName.get(name) ?? this.#keep(this.#source.symbolByName(name));
  }

  /** By a name in UTF-8, of `length` bytes at `at`. Callers often name the same one again. */
  byText(bytes: Uint8Array, at: number, length: number): SymbolEntry | undefined {
    const last = this.#last;
    if (last !== undefined && isText(last.text, bytes, at, length)) return last;
    const found = this.byName(Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString());
    if (found !== undefined) this.#last = found;
    return found;
  }

  #keep(info: SymbolInfo | undefined): SymbolEntry | undefined {
    if (info === undefined) return undefined;
    const { id, name, tickMantissa, tickDecimals, lotMantissa, lotDecimals, quoteAsset } = info;
    const entry = {
      id,
      name,
      text: Buffer.from(name),
      tickMantissa,
      tickDecimals,
      lotMantissa,
      lotDecimals,
      quoteDecimals: quoteAsset.decimals,
    };
    this.#byId.set(id, entry);
    this.#byName.set(name, entry);
    return entry;
  }
}

function isText(text: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text[i] !== bytes[at + i]) return false;
  return true;
}
