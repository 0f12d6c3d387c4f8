import { Code } from '../../engine/codes.ts';
import { checkLongCommand } from '../../engine/wire/check-command.ts';
import { checkList } from '../../engine/wire/check-list.ts';
import type { CommandFrameReader } from '../../engine/wire/frames.ts';
import { Command, CommandKind } from '../../engine/wire/layout.ts';
import { isLink, legOf, legsOf, linkKindOf, linkWord, MAX_LEGS } from '../../engine/wire/list-link.ts';

const WORDS = Command.bytes / 4;

/** Reads and verifies the orders of a list: commands of one frame, one after another. I/O thread only. */
export class ListReader {
  /** Extension, command, extension, command; valid if `code` is OK. */
  readonly words = new Int32Array(2 * MAX_LEGS * WORDS);
  readonly #bytes = new Uint8Array(this.words.buffer);
  readonly #codes = new Uint16Array(MAX_LEGS);
  /** OK, or the code of the first order that is rejected. */
  code: Code = Code.OK;

  /**
   * Reads the list that begins with command `index`, whose extension is number `extension`. Returns the number of its orders: 1 if the list is
   * not whole, or does not begin there, and then it is rejected.
   */
  read(reader: CommandFrameReader, index: number, extension: number, account: number): number {
    const link = reader.linkOf(extension);
    const legs = isLink(link) && legOf(link) === 1 && isWhole(reader, index, extension, link) ? legsOf(link) : 1;
    this.code = Code.OK;
    for (let leg = 0; leg < legs; leg++) {
      reader.copyExtension(extension + leg, this.words, leg * 2);
      reader.copy(index + leg, this.words, leg * 2 + 1);
      const code = this.#check(leg, account);
      this.#codes[leg] = code;
      if (this.code === Code.OK) this.code = code;
    }
    if (this.code === Code.OK) this.code = legs === 1 ? Code.BAD_LIST : checkList(this.#bytes, this.words);
    if (this.code === Code.BAD_LIST) this.#codes.fill(Code.BAD_LIST);
    return legs;
  }

  /** The code with which order `leg`, from 0, of a list is rejected that has an order in error. */
  codeOf(leg: number): Code {
    return (this.#codes[leg] as Code) || Code.LIST_REJECTED;
  }

  #check(leg: number, account: number): Code {
    const kind = this.#bytes[(leg * 2 + 1) * Command.bytes + Command.kind];
    const code = checkLongCommand(this.#bytes, this.words, leg * 2, leg * 2 + 1, account);
    return code === Code.OK && kind !== CommandKind.New ? Code.UNSUPPORTED_TERM : code;
  }
}

/** Whether the orders of a list follow each other. */
function isWhole(reader: CommandFrameReader, index: number, extension: number, link: number): boolean {
  const legs = legsOf(link);
  for (let leg = 1; leg < legs; leg++) {
    if (index + leg >= reader.count || !reader.isLong(index + leg)) return false;
    if (reader.linkOf(extension + leg) !== linkWord(linkKindOf(link) as never, leg + 1, legs)) return false;
  }
  return true;
}
