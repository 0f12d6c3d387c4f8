/**
 * The first key that one object gives twice, with the keys to it; undefined when there is none. JSON.parse keeps the
 * last value, other readers the first: a program in front of this one may have checked the other. @param text valid JSON
 */
export function repeatedKey(text: string): string | undefined {
  /** The keys of each open object; undefined for a list. */
  const keys: (Set<string> | undefined)[] = [];
  const path: string[] = [];
  /** Whether the next string is a key. */
  let atKey = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '{' || char === '[') {
      keys.push(char === '{' ? new Set() : undefined);
      atKey = char === '{';
    } else if (char === '}' || char === ']') {
      keys.pop();
      path.length = keys.length;
    } else if (char === ',') {
      atKey = keys.at(-1) !== undefined;
    } else if (char === '"') {
      const end = endOfString(text, i);
      const names = keys.at(-1);
      if (atKey && names !== undefined) {
        const key = JSON.parse(text.slice(i, end)) as string;
        path[keys.length - 1] = key;
        if (names.has(key)) return path.filter((name) => name !== undefined).join('.');
        names.add(key);
      }
      atKey = false;
      i = end - 1;
    }
  }
  return undefined;
}

/** The position after the string that begins at `at`. */
function endOfString(text: string, at: number): number {
  let end = at + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end + 1;
}
