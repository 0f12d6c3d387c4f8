import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BundledCode } from './bundled-code.ts';
import type { LockedPackage, Lockfile } from './lockfile.ts';
import { NODE_LICENCE } from './node-executable.ts';
import { copyrightsIn, namesIn, standardText } from './standard-licence.ts';

/** SPDX names of licences that require only attribution when shipped with MIT code. */
const ALLOWED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'blessing',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'OLDAP-2.8',
  'OpenSSL',
  'Unicode-3.0',
  'Zlib',
]);

/** A package has a licence that does not allow shipping. */
export class LicenceError extends Error {
  readonly code = 'OPENBELL_LICENCE';
}

/** True for `MIT`, `(MIT AND Zlib)`, `GPL-2.0 OR MIT`; nested brackets are not understood, and so not allowed. */
export function isAllowed(expression: string): boolean {
  const plain = expression.replace(/^\((.*)\)$/, '$1');
  if (/[()]/.test(plain)) return false;
  return plain.split(' OR ').some((choice) => choice.split(' AND ').every((name) => ALLOWED.has(name)));
}

/**
 * Name, version and licence of all that is shipped, and each licence's text once.
 * @param root the repository, with its packages installed
 * @throws LicenceError naming every package whose licence is not one of {@link ALLOWED}
 */
export function licenceReport(root: string, lockfile: Lockfile, bundled: readonly BundledCode[]): string {
  const rejected = [...lockfile.packages, ...bundled].filter(({ licence }) => !isAllowed(licence));
  if (rejected.length > 0) {
    throw new LicenceError(`May not be shipped: ${rejected.map(({ name, licence }) => `${name} (${licence})`).join(', ')}.`);
  }
  const texts = new Texts();
  const standard = (licence: string, of: string): string =>
    namesIn(licence)
      .map((name) => texts.add(standardText(root, name), of))
      .join(', ');
  const rows = lockfile.packages.map((entry) => {
    const dir = join(root, entry.path);
    const owner = `${entry.name} ${entry.version}`;
    const own = textOf(root, entry);
    const text =
      own.trim() !== '' || !existsSync(dir) ? texts.add(own, owner) : standard(entry.licence, [owner, ...copyrightsIn(dir)].join(', '));
    return `| ${entry.name} | ${entry.version} | ${entry.licence} | ${text} |`;
  });
  const inside = bundled.map((part) => {
    const text =
      part.text === undefined ? standard(part.licence, part.name) : texts.add(readFileSync(join(root, part.text), 'utf8'), part.name);
    return `| ${part.name} | ${part.version ?? ''} | ${part.licence} | ${part.inside.replace('node_modules/', '')} | ${text} |`;
  });
  return `# Licences

${lockfile.name} ${lockfile.version} is under the ${lockfile.licence} licence. It is shipped with the packages below. A package that publishes no text of its
licence has the standard text of SPDX, and the copyright lines of its sources beside its name. Where the text column is empty, the package is for
another platform and not in this binary.

| package | version | licence | text |
|---|---|---|---|
${rows.join('\n')}

Compiled into them:

| code | version | licence | in | text |
|---|---|---|---|---|
${inside.join('\n')}
${texts.print()}`;
}

/** '' when there is none. */
function textOf(root: string, { path, name }: LockedPackage): string {
  if (name === 'node') return readFileSync(join(root, NODE_LICENCE), 'utf8');
  const dir = join(root, path);
  if (!existsSync(dir)) return '';
  const files = readdirSync(dir).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  return files
    .sort()
    .map((file) => readFileSync(join(dir, file), 'utf8'))
    .join('\n');
}

/** Texts by content: many packages have the same. */
class Texts {
  readonly #entries = new Map<string, { readonly number: number; readonly text: string; readonly of: string[] }>();

  /** Returns the reference to the text. */
  add(text: string, of: string): string {
    if (text.trim() === '') return '';
    const key = createHash('sha256').update(text.replace(/\s+/g, ' ').trim()).digest('hex');
    const entry = this.#entries.get(key) ?? { number: this.#entries.size + 1, text, of: [] };
    entry.of.push(of);
    this.#entries.set(key, entry);
    return `[${entry.number}](#text-${entry.number})`;
  }

  print(): string {
    return [...this.#entries.values()]
      .map(
        ({ number, text, of }) => `\n## Text ${number}\n\n${of.join(', ')}\n\n~~~~text\n${text.replaceAll('\r\n', '\n').trimEnd()}\n~~~~\n`,
      )
      .join('');
  }
}
