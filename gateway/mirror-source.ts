import { existsSync } from 'node:fs';
import type { CaptureSource } from '../feeds/lines/capture-line.ts';
import type { FeedSource } from '../feeds/lines/feed-source.ts';
import { DEMO_CAPTURE, demoCapture } from '../feeds/simulator/demo-capture.ts';

/** The source of `--simulate mirror=...`: a feed of the configuration, or a capture that becomes a feed. */
export interface MirrorSource {
  /** Of the feed. */
  readonly name: string;
  readonly capture: CaptureSource | undefined;
}

/** No feed of the configuration can have this name. */
const CAPTURE_NAME = 'mirror=capture';

/** Finds the source: a feed of this name, else the shipped capture if that is what it names, else a file. undefined: there is none. */
export function mirrorSource(source: string, feeds: readonly FeedSource[]): MirrorSource | undefined {
  if (feeds.some(({ name }) => name === source)) return { name: source, capture: undefined };
  if (source === DEMO_CAPTURE) return { name: CAPTURE_NAME, capture: { name: CAPTURE_NAME, file: demoCapture() } };
  return existsSync(source) ? { name: CAPTURE_NAME, capture: { name: CAPTURE_NAME, file: { path: source } } } : undefined;
}
