import { checkCapture } from '../../feeds/files/capture-replay.ts';
import { CaptureError } from '../../feeds/files/captures.ts';
import { mirrorSource } from '../mirror-source.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config-place.ts';

/**
 * Checks that a file given with `--simulate mirror=PATH` is a capture, as far as its first messages show it.
 * @throws ConfigError with the code of the CaptureError
 */
export async function checkMirrorFile({ simulate, feeds }: Pick<Config, 'simulate' | 'feeds'>): Promise<void> {
  if (typeof simulate !== 'object') return;
  const file = mirrorSource(simulate.mirror, feeds)?.capture?.file;
  if (file === undefined) return;
  try {
    await checkCapture(file);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    throw new ConfigError([`--simulate mirror=${simulate.mirror}: ${error.code}: ${error.message}`]);
  }
}
