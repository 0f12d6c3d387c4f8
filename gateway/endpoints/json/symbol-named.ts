import { Code } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { RequestError } from './request-error.ts';

/** Names of symbols in the error of an unknown one. */
const MOST_NAMED = 10;
/** Characters of the unknown name that the error repeats. */
const MOST_QUOTED = 64;

/** @throws RequestError UNKNOWN_SYMBOL */
export function symbolNamed(directory: Pick<Directory, 'symbol' | 'symbolIds' | 'symbolByName'>, name: string): SymbolInfo {
  const symbol = directory.symbolByName(name);
  if (symbol !== undefined) return symbol;
  const known = directory
    .symbolIds()
    .slice(0, MOST_NAMED)
    .map((id) => directory.symbol(id)?.name)
    .join(', ');
  throw new RequestError(
    Code.UNKNOWN_SYMBOL,
    'UNKNOWN_SYMBOL',
    `there is no symbol ${name.slice(0, MOST_QUOTED)}; there are: ${known || 'none'}`,
  );
}
