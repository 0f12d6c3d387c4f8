import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** A reporter of node:test: the test files in which something failed, a line each, relative to the working directory. */
export default async function* failedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files = new Set<string>();
  for await (const { type, data } of events) if (type === 'test:fail' && data.file !== undefined) files.add(relative('', data.file));
  for (const file of files) yield `${file}\n`;
}
