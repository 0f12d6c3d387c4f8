import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bundle } from '../gateway/tools/binary/bundle.ts';
import { bundledCode } from '../gateway/tools/binary/bundled-code.ts';
import { isAllowed, LicenceError, licenceReport } from '../gateway/tools/binary/licence-report.ts';
import { type LockedPackage, type Lockfile, readLockfile } from '../gateway/tools/binary/lockfile.ts';
import { NODE_LICENCE, NODE_VERSION, pinnedNode } from '../gateway/tools/binary/node-executable.ts';
import { sbomDocument } from '../gateway/tools/binary/sbom-document.ts';
import { namesIn, standardText } from '../gateway/tools/binary/standard-licence.ts';

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly components?: readonly Component[];
}
interface Sbom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const ROOT = join(import.meta.dirname, '..');
const REVISION = { commit: 'c0ffee', epochSeconds: 1_700_000_000 };
const lockfile = readLockfile(ROOT);
const sbom = sbomDocument(lockfile, bundledCode(), REVISION) as Sbom;

/** The lockfile, read without the code under test. */
const raw = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages as Record<
  string,
  { dev?: true; name?: string; version: string; integrity: string }
>;
const shipped = Object.entries(raw).filter(([path, { dev }]) => path !== '' && !dev);

describe('bill of materials', () => {
  it('has every package of the lockfile that is not for development only, with its hash, and no other', () => {
    assert.ok(shipped.length > 50);
    assert.deepEqual(sbom.components.map((c) => c['bom-ref']).sort(), shipped.map(([path]) => path).sort());
    for (const [path, { version, integrity }] of shipped) {
      const found = sbom.components.find((c) => c['bom-ref'] === path);
      const sha512 = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
      assert.deepEqual([found?.version, found?.hashes], [version, [{ alg: 'SHA-512', content: sha512 }]], path);
    }
  });

  it('names an alias by its target, and a scope as npm addresses it', () => {
    const purls = sbom.components.map(({ purl }) => purl);
    assert.ok(purls.includes(`pkg:npm/uws-pack@${raw['node_modules/uWebSockets.js'].version}`));
    assert.ok(purls.includes(`pkg:npm/%40grpc/grpc-js@${raw['node_modules/@grpc/grpc-js'].version}`));
  });

  it('has every dependency of a package where Node finds it', () => {
    const refs = new Set([sbom.metadata.component['bom-ref'], ...sbom.components.map((c) => c['bom-ref'])]);
    for (const { ref, dependsOn } of sbom.dependencies) for (const each of [ref, ...dependsOn]) assert.ok(refs.has(each), each);
    const reached = new Set<string>();
    const reach = (ref: string): void => {
      if (reached.has(ref)) return;
      reached.add(ref);
      for (const next of sbom.dependencies.find((d) => d.ref === ref)?.dependsOn ?? []) reach(next);
    };
    reach(sbom.metadata.component['bom-ref']);
    assert.deepEqual(
      [...refs].filter((ref) => !reached.has(ref)),
      [],
    );
  });

  it('names every library that this Node reports', () => {
    const notLibraries = new Set(['node', 'modules', 'napi', 'cldr', 'tz', 'unicode']);
    const node = sbom.components.find((c) => c['bom-ref'] === 'node_modules/node');
    for (const [name, version] of Object.entries(process.versions)) {
      if (notLibraries.has(name)) continue;
      assert.equal(node?.components?.find((part) => part.name === name)?.version, version, name);
    }
  });

  it('is identical for the same source, and different for another', () => {
    assert.deepEqual(sbomDocument(readLockfile(ROOT), bundledCode(), REVISION), sbom);
    const later = sbomDocument(lockfile, bundledCode(), { ...REVISION, epochSeconds: REVISION.epochSeconds + 1 }) as Sbom;
    assert.notEqual(later.serialNumber, sbom.serialNumber);
    assert.match(sbom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(sbom.metadata.timestamp, '2023-11-14T22:13:20.000Z');
  });

  it('lists every part of the binary', async () => {
    const { packages } = await bundle();
    assert.ok(packages.includes('lmdb') && packages.includes('commander'));
    const paths = new Set(sbom.components.map((c) => c['bom-ref'].slice(c['bom-ref'].lastIndexOf('node_modules/') + 13)));
    assert.deepEqual(
      packages.filter((name) => !paths.has(name)),
      [],
    );
  });
});

describe('licences', () => {
  const report = licenceReport(ROOT, lockfile, bundledCode());

  it('are all named, with the text of each package that is in the binary', async () => {
    for (const { name, version, licence } of lockfile.packages) assert.ok(report.includes(`| ${name} | ${version} | ${licence} |`), name);
    const { packages } = await bundle();
    const without = packages.filter((path) => {
      const { name } = lockfile.packages.find((entry) => entry.path.endsWith(`node_modules/${path}`)) as LockedPackage;
      return report.split('\n').some((row) => row.startsWith(`| ${name} |`) && row.endsWith('|  |'));
    });
    assert.deepEqual(without, []);
    // Compiled into add-ons and Node, in the second table.
    const inside = report.slice(report.indexOf('Compiled into them:'), report.indexOf('## Text'));
    assert.deepEqual(
      inside.split('\n').filter((row) => row.endsWith('|  |')),
      [],
    );
    assert.ok(report.includes('The OpenLDAP Public License') && report.includes(readFileSync(join(ROOT, NODE_LICENCE), 'utf8').trimEnd()));
  });

  it('without a text of their package have that of SPDX, and who has the rights', () => {
    const [, text] = /^\| @bufbuild\/protobuf \|.*\| (.*) \|$/m.exec(report) ?? [];
    const numbers = [...(text ?? '').matchAll(/\[(\d+)\]/g)].map(([, number]) => number);
    assert.equal(numbers.length, 2, text);
    const parts = numbers.map((number) => report.split(`## Text ${number}\n`)[1].split('\n## Text ')[0]);
    for (const part of parts)
      assert.match(part, /@bufbuild\/protobuf [\d.]+, Copyright 2008 Google Inc\. .*Copyright \d{4}-\d{4} Buf Technologies, Inc\./);
    assert.ok(
      parts[0].includes('TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION') && parts[1].includes('Neither the name of'),
    );
    const [first] = lockfile.packages;
    assert.throws(() => standardText(ROOT, 'No-Such-Licence'), { code: 'ENOENT' });
    assert.deepEqual(namesIn('(Apache-2.0 AND BSD-3-Clause) OR Apache-2.0'), ['Apache-2.0', 'BSD-3-Clause']);
    const elsewhere = { ...lockfile, packages: [{ ...first, path: 'node_modules/not-installed' }] };
    assert.match(licenceReport(ROOT, elsewhere, []), /\| {2}\|/, 'a package for another platform has no text');
  });

  it('that are not compatible with the MIT licence stop the report', () => {
    for (const licence of ['MIT', '(MIT AND Zlib)', 'GPL-3.0-only OR MIT', 'Apache-2.0']) assert.ok(isAllowed(licence), licence);
    for (const licence of [
      'GPL-3.0-only',
      'MIT AND AGPL-3.0-only',
      'UNLICENSED',
      'SEE LICENSE IN x',
      '',
      '(GPL-2.0 OR X) AND (Y OR MIT)',
    ]) {
      assert.ok(!isAllowed(licence), licence);
    }
    const [first] = lockfile.packages;
    const tainted: Lockfile = { ...lockfile, packages: [{ ...first, licence: 'AGPL-3.0-only' }] };
    assert.throws(
      () => licenceReport(ROOT, tainted, []),
      (error: Error) => error instanceof LicenceError && error.message.includes(first.name),
    );
  });
});

describe('the pinned Node', () => {
  it('is the one of package.json, with its licence', () => {
    assert.equal(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).dependencies.node, NODE_VERSION);
    assert.equal(raw['node_modules/node'].version, NODE_VERSION);
    const bytes = readFileSync(pinnedNode());
    assert.ok(bytes.length > 10_000_000);
    assert.equal(
      createHash('sha256')
        .update(readFileSync(join(ROOT, NODE_LICENCE)))
        .digest('hex')
        .slice(0, 16),
      'c738ae413cf561f1',
    );
  });
});
