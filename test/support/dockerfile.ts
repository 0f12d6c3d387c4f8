import { readFileSync } from 'node:fs';

export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** Instructions of a Dockerfile, by stage; those before the first FROM are stage ''. Enough for ours: no here-documents, no escapes but the line's. */
export function readDockerfile(path: string): ReadonlyMap<string, readonly Instruction[]> {
  const text = readFileSync(path, 'utf8')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '');
  const stages = new Map<string, Instruction[]>([['', []]]);
  let stage = '';
  for (const line of text.split('\n').filter((line) => line.trim() !== '')) {
    const [, name, rest] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`${path}: what is ${JSON.stringify(line)}?`);
    if (name === 'FROM') {
      stage = / AS (\S+)$/.exec(rest)?.[1] ?? 'final';
      stages.set(stage, []);
    }
    stages.get(stage)?.push({ name, rest });
  }
  return stages;
}
