import { existsSync } from 'node:fs';
import type { CaptureFile } from '../feeds/files/captures.ts';
import { type AnySource, type FileSource, isCaptureName } from '../feeds/lines/file-source.ts';
import { DEMO_CAPTURE, demoCapture } from '../feeds/simulator/demo-capture.ts';

/** The source of `--simulate mirror=...`: a feed of the configuration, or a file that becomes a feed. */
export interface MirrorSource {
  /** Of the feed. */
  readonly name: string;
  readonly file: FileSource | undefined;
}

/** No feed of the configuration can have these names. */
const CAPTURE_NAME = 'mirror=capture';
const FILE_NAME = 'mirror=file';

/**
 * Finds the source: a feed of this name, else the shipped capture if that is what it names, else a file. undefined: there is none.
 * @param instruments of a file, that symbols are to have; empty: all
 */
export function mirrorSource(source: string, feeds: readonly AnySource[], instruments: readonly string[] = []): MirrorSource | undefined {
  if (feeds.some(({ name }) => name === source)) return { name: source, file: undefined };
  if (source === DEMO_CAPTURE) return played(CAPTURE_NAME, demoCapture(), instruments);
  if (!existsSync(source)) return undefined;
  return played(isCaptureName(source) ? CAPTURE_NAME : FILE_NAME, { path: source }, instruments);
}

function played(name: string, file: CaptureFile, instruments: readonly string[]): MirrorSource {
  return { name, file: { name, file, instruments: [...new Set(instruments)], speed: 1, atEnd: 'loop' } };
}
