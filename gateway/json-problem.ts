/**
 * What JSON.parse found wrong, without the excerpt of the text that it quotes: the text may be a key or a token in the
 * wrong place.
 */
export function jsonProblem(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // V8: `Unexpected token 'a', "abc"... is not valid JSON`, or only the second half.
  return message.replace(/,? ?(\.\.\.)?"[\s\S]* is not valid JSON$/, '') || 'it is not JSON';
}
