import type { InstrumentTerms } from '../../instrument-terms.ts';
import { ByteTable } from '../../text/byte-table.ts';
import type { JsonScanner } from '../../text/json-scanner.ts';

/** What reads the pages of one venue's list of instruments. */
export interface ListPages {
  /**
   * Reads a page. Entries without a name, or of another form, are left out.
   * @returns the address of the page behind it, '' behind the last one; undefined if it is no such page, or names no instrument
   */
  read(scanner: JsonScanner, url: string, bytes: Uint8Array, onTerms: (terms: InstrumentTerms) => void): string | undefined;
}

/** Calls back with the position of each member of the list, or of each value of the object, that the keys lead to. @returns false if the text is not JSON, or has no such list */
export function eachMember(scanner: JsonScanner, bytes: Uint8Array, path: readonly string[], each: (position: number) => void): boolean {
  const positions: number[] = [];
  scanner.start(bytes);
  const found = collect(scanner, path, positions);
  if (!scanner.finished() || !found) return false;
  for (const position of positions) each(position);
  return true;
}

function collect(scanner: JsonScanner, [key, ...rest]: readonly string[], positions: number[]): boolean {
  if (key !== undefined) {
    if (!scanner.object()) return false;
    const table = new ByteTable([key]);
    let found = false;
    while (scanner.nextKey()) if (scanner.id(table) !== -1) found = collect(scanner, rest, positions);
    return found;
  }
  if (scanner.array()) {
    while (scanner.next()) positions.push(scanner.position);
    return true;
  }
  if (!scanner.object()) return false;
  while (scanner.nextKey()) positions.push(scanner.position);
  return true;
}

/** A list on one page. @param path keys that lead to it @param entry reads the member at a position; undefined: it is left out */
export function singlePage(
  path: readonly string[],
  entry: (scanner: JsonScanner) => (position: number) => InstrumentTerms | undefined,
): ListPages {
  return {
    read: (scanner, _url, bytes, onTerms) => {
      const read = entry(scanner);
      let count = 0;
      const whole = eachMember(scanner, bytes, path, (position) => {
        const terms = read(position);
        if (terms === undefined || terms.name === '') return;
        count++;
        onTerms(terms);
      });
      // A list without instruments is a failure of the venue, and not the end of all of them.
      return whole && count > 0 ? '' : undefined;
    },
  };
}

/** The statuses of a venue's words; a word that is not there says nothing. */
export function statusTable<Status>(words: Readonly<Record<string, Status>>): (word: string) => Status | undefined {
  const table = new Map(Object.entries(words));
  return (word) => table.get(word);
}
