import type { Lint } from '../lint.ts';
import type { Resource } from '../resource.ts';
import { EGRESS_LINTS } from './egress.ts';
import { POD_LINTS } from './pods.ts';
import { PROCESS_LINTS } from './process.ts';
import { SECURITY_LINTS } from './security.ts';
import { SERVICE_LINTS } from './services.ts';
import { SHARD_LINTS } from './shards.ts';
import { TRAFFIC_LINTS } from './traffic.ts';

export const LINTS: readonly Lint[] = [
  ...POD_LINTS,
  ...SHARD_LINTS,
  ...PROCESS_LINTS,
  ...SERVICE_LINTS,
  ...TRAFFIC_LINTS,
  ...SECURITY_LINTS,
  ...EGRESS_LINTS,
];

export interface Finding {
  readonly lint: string;
  readonly text: string;
}

/** What all lints find in resources that are applied together. */
export function lint(set: readonly Resource[]): Finding[] {
  return LINTS.flatMap(({ name, check }) => check(set).map((text) => ({ lint: name, text })));
}
