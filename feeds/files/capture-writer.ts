import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { constants, createGzip, type Gzip } from 'node:zlib';

/** A recording cannot go on. Everything before it is in the file. */
export class CaptureWriteError extends Error {
  readonly code: 'CAPTURE_WRITE_FAILED' | 'CAPTURE_DISK_TOO_SLOW';

  constructor(code: CaptureWriteError['code'], message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.name = 'CaptureWriteError';
    this.code = code;
  }
}

/** Text that waits for the disk, bytes. At 10 MB/s this is six seconds. */
const MAX_WAITING = 64 << 20;
/** How often what was compressed is written, so that a reader sees it and a crash loses little. */
const FLUSH_MS = 1_000;

/**
 * Writes a session with a venue as a capture: one JSON object a line. Times are whole
 * microseconds since 1970. The file must not exist; a name that ends in `.gz` is compressed.
 * The methods never wait and never throw: a failure is reported by {@link failed}.
 */
export class CaptureWriter {
  readonly path: string;
  /** Resolves with the first failure; after it, lines are dropped. */
  readonly failed: Promise<CaptureWriteError>;
  lines = 0;
  /** Of text, before compression. */
  bytes = 0;
  readonly #file: NodeJS.WritableStream;
  readonly #gzip: Gzip | undefined;
  readonly #out: NodeJS.WritableStream & { readonly writableLength: number };
  readonly #flush: NodeJS.Timeout;
  #fail!: (error: CaptureWriteError) => void;
  #broken = false;

  /** @param exchange the venue's name in capitals, as the readers of captures know it @param config streams and instruments, for people who read the file */
  constructor(path: string, exchange: string, config: Readonly<Record<string, readonly string[]>>, nowUs: number) {
    this.path = path;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    const file = createWriteStream(path, { flags: 'wx' });
    this.#file = file;
    const broken = (error: Error) => this.#failWith(writeFailed(path, error));
    file.on('error', broken);
    if (path.endsWith('.gz')) {
      this.#gzip = createGzip();
      this.#gzip.on('error', broken);
      this.#gzip.pipe(file);
    }
    this.#out = this.#gzip ?? file;
    this.#flush = setInterval(() => this.#gzip?.flush(constants.Z_SYNC_FLUSH), FLUSH_MS);
    this.#flush.unref();
    this.#line(
      `{"t":"header","format":2,"exchange":${JSON.stringify(exchange)},"config":${JSON.stringify(config)},"candle_interval":null,"recorded":${seconds(nowUs)}}`,
    );
  }

  /** An answer over HTTP. */
  http(conn: string, atUs: number, url: string, body: Uint8Array): void {
    this.#line(`{"t":"http","conn":${JSON.stringify(conn)},"ts":${seconds(atUs)},"url":${JSON.stringify(url)},"data":${textOf(body)}}`);
  }

  connect(conn: string, atUs: number, url: string): void {
    this.#line(`{"t":"connect","conn":${JSON.stringify(conn)},"ts":${seconds(atUs)},"addr":${JSON.stringify(url)}}`);
  }

  /** @param frame a string: a text frame; bytes: a binary one */
  send(conn: string, atUs: number, url: string, frame: string | Uint8Array): void {
    const data = typeof frame === 'string' ? `"data":${JSON.stringify(frame)}` : binaryData(frame);
    this.#line(`{"t":"send","conn":${JSON.stringify(conn)},"ts":${seconds(atUs)},"addr":${JSON.stringify(url)},${data}}`);
  }

  /** A frame as it arrived. WebSocket makes sure that a text frame is UTF-8. */
  recv(conn: string, atUs: number, frame: Uint8Array, binary = false): void {
    const data = binary ? binaryData(frame) : `"data":${textOf(frame)}`;
    this.#line(`{"t":"recv","conn":${JSON.stringify(conn)},"ts":${seconds(atUs)},${data}}`);
  }

  /** Ends the file, with a whole gzip member. @throws CaptureWriteError when it could not be written whole */
  async end(): Promise<void> {
    clearInterval(this.#flush);
    if (!this.#broken) this.#out.end();
    const whole = finished(this.#file).catch((error: Error) => this.#failWith(writeFailed(this.path, error)));
    const error = await Promise.race([this.failed, whole]);
    if (error !== undefined) throw error;
  }

  #line(line: string): void {
    if (this.#broken) return;
    if (this.#out.writableLength > MAX_WAITING) {
      this.#failWith(
        new CaptureWriteError(
          'CAPTURE_DISK_TOO_SLOW',
          `${this.path}: ${MAX_WAITING >> 20} MB wait for the disk; record fewer instruments, or on a faster disk`,
        ),
      );
      // What waits is still written.
      this.#out.end();
      return;
    }
    this.lines++;
    this.bytes += line.length + 1;
    this.#out.write(`${line}\n`);
  }

  #failWith(error: CaptureWriteError): CaptureWriteError {
    this.#broken = true;
    clearInterval(this.#flush);
    this.#fail(error);
    return error;
  }
}

/** Whole microseconds as seconds with six decimals, exactly. */
function seconds(us: number): string {
  return `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
}

function binaryData(frame: Uint8Array): string {
  return `"encoding":"base64","data":"${Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('base64')}"`;
}

function textOf(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

function writeFailed(path: string, error: NodeJS.ErrnoException): CaptureWriteError {
  const advice =
    error.code === 'EEXIST'
      ? 'a recording never replaces a file; give another name, or remove it'
      : 'check that the folder exists and may be written to, and that its disk has room';
  return new CaptureWriteError('CAPTURE_WRITE_FAILED', `${path}: ${error.message}; ${advice}`, { cause: error });
}
