/** The counts that metrics read, beside the lists that queries read: of the same state, and made without a list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateLocal } from '../engine/allocate.ts';
import { OrderSlab } from '../engine/book/order-slab.ts';
import { TrailGroups } from '../engine/book/trail-groups.ts';
import { Accounts } from '../engine/rules/accounts.ts';
import { ClientIdTable } from '../engine/rules/client-order-ids.ts';
import { ControlBit } from '../engine/rules/control-bits.ts';
import { OrderLinks } from '../engine/rules/order-links.ts';
import { Symbols } from '../engine/rules/symbols.ts';
import { allocateControl, Control } from '../engine/threads/control.ts';
import { Directory } from '../engine/threads/directory.ts';
import { Prng } from '../feeds/simulator/prng.ts';

test('the counts are those of the lists', () => {
  const random = new Prng(7);
  for (let round = 0; round < 20; round++) {
    const accounts = new Accounts(64, 4, 1, allocateLocal);
    const symbols = new Symbols(16, allocateLocal);
    const slab = new OrderSlab(64);
    const [links, trailGroups, clientIdTable] = [new OrderLinks(slab, 4), new TrailGroups(8), new ClientIdTable(64, 8, allocateLocal)];
    const control = new Control(allocateControl());
    const directory = new Directory(control, { accounts, symbols, slab, links, trailGroups, clientIdTable });
    for (let id = 0; id < 64; id++) {
      // Id 0 names nothing, and an account that is not defined has no switch.
      accounts.defined[id] = random.below(2);
      accounts.controls[id] = [0, ControlBit.Killed, ControlBit.Suspended][random.below(3)];
    }
    for (let id = 1; id < 16; id++) [symbols.defined[id], symbols.killed[id]] = [random.below(2), random.below(2)];
    for (const group of [0, 1, 7, accounts.killedGroups.length - 1]) accounts.killedGroups[group] = random.below(2);
    control.noteDefinition();
    const counts = { accounts: 99, killedAccounts: 99, killedGroups: 99, killedSymbols: 99, venueKilled: true };
    directory.count(counts);
    const lists = directory.killSwitches();
    assert.deepEqual(counts, {
      accounts: directory.accountIds().length,
      killedAccounts: lists.accounts.length,
      killedGroups: lists.groups.length,
      killedSymbols: lists.symbols.length,
      venueKilled: lists.venue,
    });
    for (const id of lists.accounts) assert.ok(directory.accountExists(id) && (accounts.controls[id] & ControlBit.Killed) !== 0);
    for (const group of lists.groups) assert.ok(group !== 0 && accounts.killedGroups[group] !== 0);
  }
});
