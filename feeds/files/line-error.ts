/** An error of a text file that is read line by line. The message names the file, and the line if the error belongs to one. */
export abstract class LineError<Code extends string> extends Error {
  /** Stable; each file format has its own. */
  readonly code: Code;
  readonly path: string;
  /** From 1; 0 = the file as a whole. */
  readonly line: number;

  constructor(code: Code, path: string, line: number, detail: string, options?: ErrorOptions) {
    super(line === 0 ? `${path}: ${detail}` : `${path}:${line}: ${detail}`, options);
    this.code = code;
    this.path = path;
    this.line = line;
  }
}

/** Text of a file in quotes for a message, cut after 60 characters. */
export function shownText(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
