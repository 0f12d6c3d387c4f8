import { getRawAsset, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';
import type { CaptureFile } from '../files/captures.ts';

/** What `--simulate mirror=demo` names. */
export const DEMO_CAPTURE = 'demo';
/** The name of the capture among the assets of the single executable. */
const ASSET = 'captures/demo';
const FILE = 'demo-market.jsonl.gz';

/** A minute of the demo venue under the simulator, which was recorded with `openbell feeds record`. It is part of the package and of the single executable. */
export function demoCapture(): CaptureFile {
  if (isSea()) return { path: FILE, content: new Uint8Array(getRawAsset(ASSET)).slice() };
  // The build compiles to dist/, which has no copy of it.
  const folder = import.meta.url.endsWith('.ts') ? './' : '../../../feeds/simulator/';
  return { path: fileURLToPath(new URL(folder + FILE, import.meta.url)) };
}
