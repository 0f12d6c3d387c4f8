import { createHash } from 'node:crypto';
import type { BundledCode } from './bundled-code.ts';
import type { LockedPackage, Lockfile } from './lockfile.ts';

export interface Revision {
  /** Of the source; '' when it is not known. */
  readonly commit: string;
  /** When it was committed, in seconds since 1970. */
  readonly epochSeconds: number;
}

/**
 * A CycloneDX 1.5 bill of materials: what the lockfile ships, with npm's
 * hashes, and below the packages with native code what is compiled into them.
 * The same source gives the same bytes: time and serial number come from it.
 */
export function sbomDocument(lockfile: Lockfile, bundled: readonly BundledCode[], revision: Revision): object {
  const refs = new Map(lockfile.packages.map((entry) => [entry.path, entry.path]));
  const root = `${lockfile.name}@${lockfile.version}`;
  const body = {
    metadata: {
      timestamp: new Date(revision.epochSeconds * 1000).toISOString(),
      component: {
        'bom-ref': root,
        type: 'application',
        name: lockfile.name,
        version: lockfile.version,
        licenses: licences(lockfile.licence),
        purl: `pkg:npm/${lockfile.name}@${lockfile.version}`,
        ...(revision.commit && { properties: [{ name: 'openbell:commit', value: revision.commit }] }),
      },
    },
    components: lockfile.packages.map((entry) =>
      component(
        entry,
        bundled.filter(({ inside }) => inside === entry.path),
      ),
    ),
    dependencies: [
      { ref: root, dependsOn: lockfile.dependsOn },
      ...lockfile.packages.map(({ path, dependsOn }) => ({ ref: path, dependsOn: dependsOn.filter((other) => refs.has(other)) })),
    ],
  };
  return { bomFormat: 'CycloneDX', specVersion: '1.5', serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}`, version: 1, ...body };
}

function component({ path, name, version, licence, integrity, optional }: LockedPackage, inside: readonly BundledCode[]): object {
  const [algorithm, base64] = integrity.split('-');
  const [group, rest] = name.startsWith('@') ? name.split('/') : [undefined, name];
  return {
    'bom-ref': path,
    type: 'library',
    ...(group && { group }),
    name: rest,
    version,
    scope: optional ? 'optional' : 'required',
    hashes: [{ alg: algorithm.replace(/^sha/, 'SHA-'), content: Buffer.from(base64, 'base64').toString('hex') }],
    licenses: licences(licence),
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(inside.length > 0 && { components: inside.map((part) => nested(path, part)) }),
  };
}

function nested(path: string, { name, version, licence }: BundledCode): object {
  return {
    'bom-ref': `${path}#${name}`,
    type: 'library',
    name,
    ...(version !== undefined && { version }),
    licenses: licences(licence),
    purl: `pkg:generic/${name}${version === undefined ? '' : `@${version}`}`,
  };
}

function licences(expression: string): object[] {
  return / /.test(expression) ? [{ expression: expression.replace(/^\((.*)\)$/, '$1') }] : [{ license: { id: expression } }];
}

/** A name-based UUID (version 8: from SHA-256). */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
