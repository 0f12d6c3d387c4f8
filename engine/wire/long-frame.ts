import { type ExtensionFields, encodeExtension } from './command-extension.ts';
import { Command, CommandExtension } from './layout.ts';

//   0      4       8        20 table                                    36      40
//   ┌──────┬───────┬────────┬─────────┬──────────┬────────────┬────────┬───────┬───────────┬─────┬───────┬─────────────┐
//   │ root │ OBL1  │ vtable │ soffset │ commands │ extensions │version │ count │ commands …│ pad │ count │ extensions …│
//   └──────┴───────┴────────┴─────────┴──────────┴────────────┴────────┴───────┴───────────┴─────┴───────┴─────────────┘
const HEADER_BYTES = 40;
const COMMANDS_OFFSET_AT = 24;
const EXTENSIONS_OFFSET_AT = 28;
const VERSION_AT = 32;
const COUNT_AT = 36;
/** Padding that aligns the extensions, and their count. */
const MIDDLE_BYTES = 8;

/** The extensions of a batch, and a frame of version 2 for commands and extensions. Reused for each frame. */
export class LongFrame {
  /** Extensions so far. */
  count = 0;
  readonly #extensions: Uint8Array;
  readonly #extensionWords: Int32Array;
  readonly #frame: Uint8Array;
  readonly #words: Int32Array;

  /** @param records most commands and extensions, together */
  constructor(records: number, identifier: number, version: number) {
    this.#extensions = new Uint8Array((records >> 1) * CommandExtension.bytes);
    this.#extensionWords = new Int32Array(this.#extensions.buffer);
    const memory = new ArrayBuffer(HEADER_BYTES + MIDDLE_BYTES + records * Command.bytes);
    this.#frame = new Uint8Array(memory);
    this.#words = new Int32Array(memory);
    const view = new DataView(memory);
    view.setUint32(0, 20, true);
    view.setUint32(4, identifier, true);
    view.setUint16(8, 10, true);
    view.setUint16(10, 16, true);
    view.setUint16(12, VERSION_AT - 20, true);
    view.setUint16(14, COMMANDS_OFFSET_AT - 20, true);
    view.setUint16(16, EXTENSIONS_OFFSET_AT - 20, true);
    view.setInt32(20, 12, true);
    view.setUint32(COMMANDS_OFFSET_AT, COUNT_AT - COMMANDS_OFFSET_AT, true);
    view.setUint16(VERSION_AT, version, true);
  }

  add(fields: ExtensionFields): void {
    encodeExtension(this.#extensions, this.#extensionWords, this.count++, fields);
  }

  /** Returns the frame, in the memory of this object: send or copy it before the next change. @param commands the `count` commands */
  bytes(commands: Uint8Array, count: number): Uint8Array {
    const middle = HEADER_BYTES + commands.length;
    const end = middle + MIDDLE_BYTES + this.count * CommandExtension.bytes;
    this.#words[EXTENSIONS_OFFSET_AT / 4] = middle + 4 - EXTENSIONS_OFFSET_AT;
    this.#words[COUNT_AT / 4] = count;
    this.#frame.set(commands, HEADER_BYTES);
    this.#words[middle / 4] = 0;
    this.#words[middle / 4 + 1] = this.count;
    this.#frame.set(this.#extensions.subarray(0, this.count * CommandExtension.bytes), middle + MIDDLE_BYTES);
    return this.#frame.subarray(0, end);
  }
}
