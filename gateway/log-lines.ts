/** Characters that a terminal may act on: control characters, also the eight-bit ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what it removes
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

/**
 * A log line for a person at a terminal: `22:07:01Z warn  message  key=value`. A
 * stack follows on lines of its own. Nothing in a field reaches the terminal as a
 * control character. Text that is not a log line in JSON stays as it is.
 */
export function readableLine(line: string): string {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line);
  } catch {
    return line;
  }
  const { level, time, msg, err, ...fields } = record;
  const values = Object.entries(fields).map(
    ([key, value]) => `${printable(key)}=${typeof value === 'string' ? word(value) : printable(JSON.stringify(value))}`,
  );
  const head = `${String(time).slice(11, 19)}Z ${String(level).padEnd(5)} ${[printable(String(msg ?? '')), ...values].join('  ')}`;
  const { stack, message } = (err ?? {}) as { readonly stack?: unknown; readonly message?: unknown };
  const trace = String(stack ?? message ?? '')
    .split('\n')
    .filter((part) => part !== '')
    .map((part) => `\n  ${printable(part)}`)
    .join('');
  return `${head.trimEnd()}${trace}\n`;
}

function word(text: string): string {
  return /^[^\s"=]+$/.test(text) ? printable(text) : printable(JSON.stringify(text));
}

/** Text for a terminal: control characters, the line feed too, as `\u001b`. */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
