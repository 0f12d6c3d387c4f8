/**
 * Writes the supply-chain documents: dist-binary/sbom.cdx.json (CycloneDX) and dist-binary/LICENSES.md.
 *
 *   npm run sbom
 *
 * Fails when a licence is not on the list of those that may be shipped. Where
 * there is no git, SOURCE_COMMIT and SOURCE_DATE_EPOCH identify the source.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledCode } from './bundled-code.ts';
import { licenceReport } from './licence-report.ts';
import { readLockfile } from './lockfile.ts';
import { pinnedNode } from './node-executable.ts';
import { type Revision, sbomDocument } from './sbom-document.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const OUT = join(ROOT, 'dist-binary');

function revision(): Revision {
  const { SOURCE_COMMIT, SOURCE_DATE_EPOCH } = process.env;
  if (SOURCE_DATE_EPOCH) return { commit: SOURCE_COMMIT ?? '', epochSeconds: Number(SOURCE_DATE_EPOCH) };
  const [commit, seconds] = execFileSync('git', ['log', '-1', '--format=%H %ct'], { cwd: ROOT, encoding: 'utf8' }).trim().split(' ');
  return { commit, epochSeconds: Number(seconds) };
}

// The libraries inside Node are read from the Node that runs this.
pinnedNode();
const lockfile = readLockfile(ROOT);
const bundled = bundledCode();
mkdirSync(OUT, { recursive: true });
writeFileSync(join(OUT, 'LICENSES.md'), licenceReport(ROOT, lockfile, bundled));
writeFileSync(join(OUT, 'sbom.cdx.json'), `${JSON.stringify(sbomDocument(lockfile, bundled, revision()), null, 2)}\n`);
process.stdout.write(
  `dist-binary/sbom.cdx.json and LICENSES.md: ${lockfile.packages.length} packages, ${bundled.length} parts inside them\n`,
);
