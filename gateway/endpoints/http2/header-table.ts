export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** Fields 1 to 61 of RFC 7541, appendix A. */
const STATIC_FIELDS: readonly HeaderField[] = (
  [
    [':authority', ''],
    [':method', 'GET'],
    [':method', 'POST'],
    [':path', '/'],
    [':path', '/index.html'],
    [':scheme', 'http'],
    [':scheme', 'https'],
    [':status', '200'],
    [':status', '204'],
    [':status', '206'],
    [':status', '304'],
    [':status', '400'],
    [':status', '404'],
    [':status', '500'],
    ['accept-charset', ''],
    ['accept-encoding', 'gzip, deflate'],
    ['accept-language', ''],
    ['accept-ranges', ''],
    ['accept', ''],
    ['access-control-allow-origin', ''],
    ['age', ''],
    ['allow', ''],
    ['authorization', ''],
    ['cache-control', ''],
    ['content-disposition', ''],
    ['content-encoding', ''],
    ['content-language', ''],
    ['content-length', ''],
    ['content-location', ''],
    ['content-range', ''],
    ['content-type', ''],
    ['cookie', ''],
    ['date', ''],
    ['etag', ''],
    ['expect', ''],
    ['expires', ''],
    ['from', ''],
    ['host', ''],
    ['if-match', ''],
    ['if-modified-since', ''],
    ['if-none-match', ''],
    ['if-range', ''],
    ['if-unmodified-since', ''],
    ['last-modified', ''],
    ['link', ''],
    ['location', ''],
    ['max-forwards', ''],
    ['proxy-authenticate', ''],
    ['proxy-authorization', ''],
    ['range', ''],
    ['referer', ''],
    ['refresh', ''],
    ['retry-after', ''],
    ['server', ''],
    ['set-cookie', ''],
    ['strict-transport-security', ''],
    ['transfer-encoding', ''],
    ['user-agent', ''],
    ['vary', ''],
    ['via', ''],
    ['www-authenticate', ''],
  ] as const
).map(([name, value]) => ({ name, value }));

/** Of the name and value alone, with their bytes. */
export const FIELD_OVERHEAD = 32;
/** The initial value of SETTINGS_HEADER_TABLE_SIZE, which is not changed. */
export const MAX_TABLE_BYTES = 4096;

/** Number of the static field with this name, and this value if there is one; 0: none has the name. */
export function staticIndex(name: string, value: string): number {
  const exact = STATIC_FIELDS.findIndex((field) => field.name === name && field.value === value);
  return (exact === -1 ? STATIC_FIELDS.findIndex((field) => field.name === name) : exact) + 1;
}

/** Whether the static field has this value. */
export function isStaticValue(index: number, value: string): boolean {
  return STATIC_FIELDS[index - 1].value === value;
}

/** Bytes that a field takes of a table, and of a list of headers. Text has a character per byte. */
export function fieldBytes(name: string, value: string): number {
  return name.length + value.length + FIELD_OVERHEAD;
}

/** The fields that a header block can refer to: the static ones, and those that the peer has added last (RFC 7541, 2.3). */
export class HeaderTable {
  /** Oldest first, from `#first` on. */
  #fields: HeaderField[] = [];
  #first = 0;
  #bytes = 0;
  #most = MAX_TABLE_BYTES;

  /** Undefined: there is no such field. */
  at(index: number): HeaderField | undefined {
    if (index <= STATIC_FIELDS.length) return STATIC_FIELDS[index - 1];
    const at = this.#fields.length - (index - STATIC_FIELDS.length);
    return at < this.#first ? undefined : this.#fields[at];
  }

  add(field: HeaderField): void {
    const bytes = fieldBytes(field.name, field.value);
    this.#shrink(this.#most - bytes);
    if (bytes > this.#most) return;
    this.#fields.push(field);
    this.#bytes += bytes;
  }

  /** False: it is more than was permitted. */
  resize(bytes: number): boolean {
    if (bytes > MAX_TABLE_BYTES) return false;
    this.#most = bytes;
    this.#shrink(bytes);
    return true;
  }

  #shrink(bytes: number): void {
    const fields = this.#fields;
    while (this.#bytes > bytes && this.#first < fields.length) {
      const { name, value } = fields[this.#first++];
      this.#bytes -= fieldBytes(name, value);
    }
    if (this.#first < 64 || this.#first < fields.length / 2) return;
    this.#fields = fields.slice(this.#first);
    this.#first = 0;
  }
}
