/** Pinned engines that fail, one at its start and one while it runs; the process exits only if no thread is left. Argument: an empty directory. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { encodeCommand } from '../../engine/machine/command.ts';
import { Engine } from '../../engine/threads/engine.ts';
import { CommandKind } from '../../engine/wire/layout.ts';
import { ENGINE_LIMITS } from './engine-fixture.ts';

const [, , dir] = process.argv;
const codeOf = (error: Error & { code?: string }): string => error.code ?? error.name;

const blocked = join(dir, 'blocked');
// The journal thread cannot remove it, and fails when the engine thread runs already.
mkdirSync(join(blocked, 'spare.obl'), { recursive: true });
const first = new Engine({ dir: blocked, topology: 'pinned', limits: ENGINE_LIMITS });
await first.start().catch((error: Error) => console.log('start', codeOf(error)));

const running = join(dir, 'running');
mkdirSync(running);
const failed = Promise.withResolvers<Error>();
const second = new Engine({ dir: running, topology: 'pinned', limits: ENGINE_LIMITS, onFailed: failed.resolve });
await second.start();
const { sequencer } = second;
const slot = sequencer.claim();
encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, { kind: CommandKind.DefineAccount, account: 1, name: 'a1' });
sequencer.stamp(slot);
// A number that the log does not expect: it stops rather than write it.
encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, { kind: CommandKind.DefineAccount, account: 1, name: 'a1', seq: 7 });
sequencer.publish();
await failed.promise;
await second.stop().catch((error: Error) => console.log('stop', error.message));
