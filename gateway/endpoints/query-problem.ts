/** Characters of an unknown name that an answer quotes. */
const MAX_QUOTED = 64;

/** What is wrong with the names of query parameters: one that the path does not have, or that is given twice. Undefined: nothing. */
export function queryProblem(query: URLSearchParams, known: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const key of query.keys()) {
    if (!known.includes(key)) {
      const advice = known.length === 0 ? 'there are none here' : `use one of ${known.join(', ')}`;
      return `unknown query parameter ${JSON.stringify(key.slice(0, MAX_QUOTED))}; ${advice}`;
    }
    if (seen.has(key)) return `the query parameter ${key} is given a second time; give it once`;
    seen.add(key);
  }
  return undefined;
}
