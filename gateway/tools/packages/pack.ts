/**
 * Packs the client as its own package, openbell-client. npm runs it at the end of `npm pack` (package.json, postpack), so that one command
 * makes both packages; for `npm publish`, which packs too, it does nothing.
 */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { writeClientPackage } from './client-package.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const {
  npm_command: command,
  npm_config_pack_destination: destination,
  npm_config_dry_run: dryRun,
  INIT_CWD: started = ROOT,
} = process.env;

if (command === undefined || command === 'pack') {
  const out = join(ROOT, 'dist-client');
  await writeClientPackage(ROOT, out);
  const to = destination === undefined || destination === '' ? ROOT : resolve(started, destination);
  // Without npm's own variables, which would make this a part of the outer run.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$)/.test(name)));
  const flags = ['--silent', '--pack-destination', to, ...(dryRun === 'true' ? ['--dry-run'] : [])];
  // The outer run may print JSON on stdout.
  execFileSync('npm', ['pack', ...flags], { cwd: out, env, stdio: ['ignore', 2, 2] });
}
