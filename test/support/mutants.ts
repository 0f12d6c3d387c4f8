/** A change of one statement that a test must notice. */
export interface Mutant {
  /** What the program no longer does. */
  readonly name: string;
  readonly file: string;
  /** The text to replace, which is in the file once, and what replaces it. With several, the first that is there counts. */
  readonly change: readonly (readonly [from: string, to: string])[];
  /** The file below test/ that must fail. */
  readonly test: string;
  /** Pattern of the names of its tests, to run only those. */
  readonly only?: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a trailing child follows prices from before it was live',
    file: 'engine/machine/live-children.ts',
    change: [['stops.addBeginning(slot, this.#stopChecks.extreme)', 'stops.addFollowing(slot, this.#stopChecks.extreme, true)']],
    test: 'trailing-children.test.ts',
    only: 'a price before it was live',
  },
  {
    name: 'the children of a parent that rests after its trigger do not get what it traded',
    file: 'engine/machine/triggers.ts',
    change: [['    if (isParent) this.#children.parentChanged(slot);\n', '']],
    test: 'stop-parents.test.ts',
    only: 'rests after its trigger',
  },
  {
    name: 'a child whose live lots are traded ends, though its parent is open',
    file: 'engine/machine/order-children.ts',
    change: [['    if (!links.comes(slot)) return false;\n', '    if (links !== undefined) return false;\n']],
    test: 'bracket.test.ts',
    only: 'both wait again',
  },
  {
    name: 'stops trigger while lots are due',
    file: 'engine/rules/pending-stops.ts',
    change: [['if (blocked[symbol] !== 0) {', 'if (blocked[symbol] < 0) {']],
    test: 'bracket-bounds.test.ts',
    only: 'no stop triggers',
  },
  {
    name: 'trades move a reference price from outside',
    file: 'engine/machine/settlement.ts',
    change: [['if (params[row + ReferenceSource] === ReferenceSourceId.Trades) params', 'params']],
    test: 'outside-reference.test.ts',
    only: 'is left as it is by trades',
  },
  {
    name: 'a jump of an outside price is confirmed though another source contradicts it',
    file: 'gateway/reference/reference-choice.ts',
    change: [['if (isContradicted) source.jumpUs = nowUs;\n    else if', 'if']],
    test: 'reference-choice.test.ts',
    only: 'another source contradicts',
  },
  {
    name: 'a symbol with a stale reference price is halted again after the operator has opened it',
    file: 'gateway/reference/symbol-reference.ts',
    change: [['    if (this.#halt?.boundaryUs === boundaryUs) return;\n', '']],
    test: 'symbol-reference.test.ts',
    only: 'opens meanwhile',
  },
  {
    name: 'segment roll without sync of the directory',
    file: 'engine/journal/segment-writer.ts',
    change: [['else this.#disk.syncAll(this.#directoryFd, this.#onRolled);', 'else this.#onRolled(null);']],
    test: 'durable-order.test.ts',
    only: 'the log is written',
  },
  {
    name: 'first segment without sync of the directory',
    file: 'engine/journal/segment-file.ts',
    change: [['    syncDirectory(dir);\n', '']],
    test: 'durable-order.test.ts',
    only: 'the log is written',
  },
  {
    name: 'new directory without sync of those above it',
    file: 'engine/journal/paths.ts',
    change: [['    syncDirectory(dirname(path));\n', '']],
    test: 'durable-order.test.ts',
  },
  {
    name: 'answer before the log is synced: asynchronous',
    file: 'engine/journal/disk.ts',
    change: [['syncData: (fd, done) => fdatasync(fd, done)', 'syncData: (_fd, done) => setImmediate(done, null)']],
    test: 'durable-order.test.ts',
    only: 'the log is written',
  },
  {
    name: 'answer before the log is synced: synchronous',
    file: 'engine/journal/disk.ts',
    change: [['syncData: (fd, done) => attempt(() => fdatasyncSync(fd), done)', 'syncData: (_fd, done) => done(null)']],
    test: 'durable-order.test.ts',
    only: 'the log is written',
  },
  {
    name: 'snapshot without sync of the file',
    file: 'engine/journal/snapshot-files.ts',
    change: [['    fsyncSync(this.#fd);\n', '']],
    test: 'durable-order.test.ts',
    only: 'a snapshot is synced',
  },
  {
    name: 'snapshot without sync of the directory',
    file: 'engine/journal/snapshot-files.ts',
    change: [['    syncDirectory(this.#dir);\n', '']],
    test: 'durable-order.test.ts',
    only: 'a snapshot is synced',
  },
  {
    name: 'log reader reports without fdatasync',
    file: 'engine/journal/log-reader.ts',
    change: [['        fdatasyncSync(fd);\n', '']],
    test: 'durable-order.test.ts',
    only: 'a reader syncs',
  },
  {
    name: 'log reader reports without sync of the directory',
    file: 'engine/journal/log-reader.ts',
    change: [['        syncDirectory(dir);\n', '']],
    test: 'durable-order.test.ts',
    only: 'a reader syncs',
  },
  {
    name: 'torn tail cut before its bytes are kept',
    file: 'engine/journal/log-reader.ts',
    change: [[', { flush: true }', '']],
    test: 'durable-order.test.ts',
    only: 'torn tail',
  },
  {
    name: 'repair without sync of the copy',
    file: 'engine/journal/repair.ts',
    change: [['  sync(join(kept, name), () => undefined);\n', '']],
    test: 'durable-order.test.ts',
    only: 'a repair',
  },
  {
    name: 'marker of a genesis without sync of the file',
    file: 'gateway/venue/genesis-marker.ts',
    change: [['      fsyncSync(fd);\n', '']],
    test: 'durable-order.test.ts',
    only: 'the marker of a genesis',
  },
  {
    name: 'marker of a genesis without sync of the directory',
    file: 'gateway/venue/genesis-marker.ts',
    change: [['    renameSync(draft, this.#path);\n    syncDirectory(this.#dir);\n', '    renameSync(draft, this.#path);\n']],
    test: 'durable-order.test.ts',
    only: 'the marker of a genesis',
  },
  {
    name: 'removal of the marker without sync of the directory',
    file: 'gateway/venue/genesis-marker.ts',
    change: [['    rmSync(this.#path, { force: true });\n    syncDirectory(this.#dir);\n', '    rmSync(this.#path, { force: true });\n']],
    test: 'durable-order.test.ts',
    only: 'the marker of a genesis',
  },
  {
    name: 'marker removed before the genesis is durable',
    file: 'gateway/venue/genesis.ts',
    change: [['    await durable();\n', '']],
    test: 'durable-order.test.ts',
    only: 'the marker is there before the first definition.*fast',
  },
  {
    name: 'log opened before the marker is written',
    file: 'gateway/start/venue.ts',
    change: [["  beginGenesis(venue, directory, config.data, config.file === undefined ? 'demo' : 'file');\n", '']],
    test: 'durable-order.test.ts',
    only: 'the marker is there before the first definition',
  },
  {
    name: 'configuration not held against the log',
    file: 'gateway/venue/venue-choice.ts',
    change: [['if (problems.length > 0) throw', 'if (problems.length > 999) throw']],
    test: 'venue-check.test.ts',
    only: 'is changed the directory|another tick: compact',
  },
  {
    name: 'segment that was cut short is a torn tail',
    file: 'engine/journal/log-damage.ts',
    change: [['  if (cut !== undefined) throw new DamagedLogError(path, stop.position, expectedSeq, cut);\n', '']],
    test: 'journal-damage.test.ts',
  },
  {
    name: 'first segment has its name before it is synced',
    file: 'engine/journal/segment-file.ts',
    change: [['    fsyncSync(fd);\n    renameSync(temporary, path);\n', '    renameSync(temporary, path);\n    fsyncSync(fd);\n']],
    test: 'durable-order.test.ts',
  },
  {
    name: 'log that was written since it was read is continued',
    file: 'engine/journal/segment-writer.ts',
    change: [['    if (this.room > 0) this.#mustBeFree();\n', '']],
    test: 'lock-lost.test.ts',
    only: 'since it was read',
  },
  {
    name: 'lock of a copied directory holds',
    file: 'engine/journal/data-lock.ts',
    change: [[' || wasCopied(owner, path)', '']],
    test: 'journal-lock.test.ts',
  },
  {
    name: 'seqlock without retry',
    file: 'engine/threads/control.ts',
    change: [['((before & 1) === 0 && Atomics.load(this.words, EngineWord.version) === before)', 'before === before']],
    test: 'control.test.ts',
  },
  {
    name: 'seqlock that reads during a change',
    file: 'engine/threads/control.ts',
    change: [['((before & 1) === 0 && Atomics', '(Atomics']],
    test: 'control.test.ts',
  },
  {
    name: 'remembered token that never expires',
    file: 'gateway/identity/tokens.ts',
    change: [['if (known.expiresAt > Date.now()) return known;', 'if (known !== undefined) return known;']],
    test: 'identity-lifetime.test.ts',
  },
  {
    name: 'challenge that never expires',
    file: 'gateway/identity/api-keys.ts',
    change: [
      ['if (!(expiresAt > Date.now())) return', 'if (Number.isNaN(expiresAt)) return'],
      ['if (expiresAt <= now) return', 'if (Number.isNaN(expiresAt)) return'],
    ],
    test: 'identity-lifetime.test.ts',
  },
  {
    name: 'MAC of a challenge without the id of the key',
    file: 'gateway/identity/api-keys.ts',
    change: [
      // biome-ignore-start lint/suspicious/noTemplateCurlyInString: text of the source.
      ['.update(`${id}\\n${body}`)', '.update(id.slice(id.length) + body)'],
      ['.update(`${id.length}:${id}${body}`)', '.update(id.slice(id.length) + body)'],
      // biome-ignore-end lint/suspicious/noTemplateCurlyInString: text of the source.
    ],
    test: 'identity-lifetime.test.ts',
  },
  {
    name: 'stop prices that changed are reported without a bound',
    file: 'engine/machine/triggers.ts',
    change: [['let left = reports.perCommand;', 'let left = Number.POSITIVE_INFINITY;']],
    test: 'trail-reports.test.ts',
  },
  {
    name: 'an iceberg whose partner ends forgets what it does not display',
    file: 'engine/rules/order-links.ts',
    change: [['(slab.words[at] & (ICEBERG | HIDDEN)) !== 0 || ', '']],
    test: 'linked-kinds.test.ts',
  },
  {
    name: 'pegged orders follow one another',
    file: 'engine/book/order-slab.ts',
    change: [['NO_REFERENCE = HIDDEN | PEGGED', 'NO_REFERENCE = HIDDEN']],
    test: 'pegged-orders.test.ts',
    only: 'do not follow one another',
  },
  {
    name: 'pegged orders follow hidden ones',
    file: 'engine/book/order-book.ts',
    change: [
      [
        '    if ((terms & IS_APART) !== 0) {\n      pages.keepQuiet();',
        '    if ((terms & IS_APART & ~IS_HIDDEN) !== 0) {\n      pages.keepQuiet();',
      ],
    ],
    test: 'pegged-orders.test.ts',
    only: 'are moved by no hidden order',
  },
  {
    name: 'a pegged order whose price stays loses its place',
    file: 'engine/machine/peg-orders.ts',
    change: [['    if (price === slab.price(slot)) return;\n', '']],
    test: 'pegged-orders.test.ts',
    only: 'follow their side',
  },
  {
    name: 'a pegged order locks the book',
    file: 'engine/rules/pegged-orders.ts',
    change: [['      if (bid !== 0) price = Math.max(price, bid + step);\n', '']],
    test: 'pegged-orders.test.ts',
    only: 'lock nothing',
  },
  {
    name: 'an uncross does not wait for pegged orders to be parked',
    file: 'engine/machine/exchange.ts',
    change: [[' && this.pegs.areParked(symbol)', '']],
    test: 'pegged-orders.test.ts',
    only: 'park in parts before an uncross',
  },
  {
    name: 'a pegged order reserves its present price only',
    file: 'engine/rules/cash-model.ts',
    change: [['const notional = slab.limit(slot) * open', 'const notional = slab.price(slot) * open']],
    test: 'pegged-orders.test.ts',
    only: 'reserve what they could cost',
  },
  {
    name: 'one command reprices all pegged orders',
    file: 'engine/machine/peg-orders.ts',
    change: [['    this.#moves--;\n', '']],
    test: 'pegged-orders.test.ts',
    only: 'move 256 with each command',
  },
  {
    name: 'a hidden stop that triggers is before what is displayed',
    file: 'engine/machine/icebergs.ts',
    change: [['    if (kept === 0) words[at] |= HIDDEN;\n', '']],
    test: 'stop-icebergs.test.ts',
  },
  {
    name: 'a session that is gone takes all orders of its account',
    file: 'engine/machine/mass-cancels.ts',
    change: [['(session !== 0 && sessions[slot] !== session) || ', '']],
    test: 'cancel-on-disconnect.test.ts',
    only: 'of a session: cancels only what it entered',
  },
  {
    name: 'a linked order that is alone again forgets its session',
    file: 'engine/rules/order-links.ts',
    change: [[' || slab.session[slot] !== 0', '']],
    test: 'cancel-on-disconnect.test.ts',
    only: 'whose partner ended',
  },
  {
    name: 'a given fee tier is found once, and stays when it is taken back',
    file: 'engine/rules/fee-tiers.ts',
    change: [['    tables.givenTier[at] = given;\n    tables.knownDay[at] = 0;\n', '    tables.givenTier[at] = given;\n']],
    test: 'fee-tiers.test.ts',
    only: 'a tier that the operator gives',
  },
];
