import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import type { TestContext } from 'node:test';

type Callback = (error: NodeJS.ErrnoException | null, ...more: unknown[]) => void;
// biome-ignore lint/suspicious/noExplicitAny: functions of node:fs with their own arguments.
type AnyFunction = (...args: any[]) => any;

/** Something that a sync makes durable: a file's content, or a directory's entries. */
class Pages {
  /** Number of changes, and how many of them a sync has covered. */
  changes = 0;
  synced = 0;

  get durable(): boolean {
    return this.synced >= this.changes;
  }
}

/**
 * The real file system below a directory, and a record of what is durable on it.
 * It replaces the functions of node:fs in this thread: writes, creations, renames
 * and removals make something volatile, a sync that begins after them makes it
 * durable. A power cut may lose everything else. Native code (LMDB), other
 * threads and FileHandle are not seen.
 */
export class RecordedFiles {
  /** What happened, oldest first, such as `write log-1`, `sync log-1`, `rename a b`, `sync .`, `remove a`; and what `note` added. */
  readonly operations: string[] = [];
  /** Renames of files whose content was not durable. */
  readonly faults: string[] = [];
  readonly #root: string;
  readonly #files = new Map<string, Pages>();
  readonly #directories = new Map<string, Pages>();
  /** Number of the change of its directory that made or removed an entry. */
  readonly #entries = new Map<string, number>();
  readonly #open = new Map<number, string>();
  #removing = false;
  readonly #watches: { readonly operation: RegExp; readonly before: () => void }[] = [];

  private constructor(root: string) {
    this.#root = root;
  }

  /** Records until the test ends. */
  static below(root: string, t: TestContext): RecordedFiles {
    const files = new RecordedFiles(resolve(root));
    files.#install(t);
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    return files;
  }

  note(text: string): void {
    this.operations.push(text);
  }

  /** Calls `before` before each operation that matches. */
  watch(operation: RegExp, before: () => void): void {
    this.#watches.push({ operation, before });
  }

  /** Everything that is there now counts as volatile, as after the kill of the process that wrote it. */
  distrust(): void {
    for (const entry of fs.readdirSync(this.#root, { withFileTypes: true })) {
      const path = resolve(entry.parentPath, entry.name);
      this.#changeEntry(path);
      if (entry.isFile()) this.#pages(path).changes++;
    }
  }

  /** Files that match and whose content or name a power cut may lose. */
  volatile(name: RegExp): string[] {
    const lost = (path: string): string[] => {
      if (!name.test(basename(path))) return [];
      const entry = this.#entries.get(path) ?? 0;
      const named = entry <= (this.#directories.get(dirname(path))?.synced ?? 0);
      const content = this.#files.get(path)?.durable ?? true;
      return [...(named ? [] : [`the name of ${basename(path)}`]), ...(content ? [] : [`the content of ${basename(path)}`])];
    };
    return [...new Set([...this.#files.keys(), ...this.#entries.keys()])].flatMap(lost);
  }

  #install(t: TestContext): void {
    const replace = (name: keyof typeof fs, make: (original: AnyFunction) => AnyFunction): void => {
      t.mock.method(fs as unknown as Record<string, AnyFunction>, name, make(fs[name] as AnyFunction));
    };
    replace('openSync', (open) => (path, flags = 'r', ...more) => {
      const full = this.#own(path);
      const existed = full !== undefined && fs.existsSync(full);
      const fd = open(path, flags, ...more);
      if (full === undefined) return fd;
      this.#open.set(fd, full);
      if (!existed) this.#did('create', full, () => this.#changeEntry(full));
      if (typeof flags === 'string' && flags.startsWith('w')) this.#pages(full).changes++;
      return fd;
    });
    replace('closeSync', (close) => (fd) => {
      this.#open.delete(fd);
      close(fd);
    });
    replace('writeSync', (write) => (fd, ...more) => {
      this.#wrote(fd);
      return write(fd, ...more);
    });
    replace('write', (write) => (fd, ...more) => {
      this.#wrote(fd);
      write(fd, ...more);
    });
    for (const name of ['fsyncSync', 'fdatasyncSync'] as const) {
      replace(name, (sync) => (fd) => {
        const done = this.#syncing(fd);
        sync(fd);
        done();
      });
    }
    for (const name of ['fsync', 'fdatasync'] as const) {
      replace(name, (sync) => (fd: number, callback: Callback) => {
        const done = this.#syncing(fd);
        sync(fd, (error: NodeJS.ErrnoException | null) => {
          if (error === null) done();
          callback(error);
        });
      });
    }
    replace('renameSync', (rename) => (from, to) => {
      this.#renaming(from, to);
      rename(from, to);
    });
    replace('rename', (rename) => (from, to, callback) => {
      this.#renaming(from, to);
      rename(from, to, callback);
    });
    for (const name of ['rmSync', 'unlinkSync'] as const) {
      replace(name, (remove) => (path, ...more) => {
        const full = this.#own(path);
        // One of the two may call the other.
        if (full === undefined || this.#removing || !fs.existsSync(full)) return remove(path, ...more);
        this.#did('remove', full, () => this.#changeEntry(full));
        this.#files.delete(full);
        this.#removing = true;
        try {
          return remove(path, ...more);
        } finally {
          this.#removing = false;
        }
      });
    }
    replace('writeFileSync', (write) => (path, data, options) => {
      write(path, data, options);
      const full = typeof path === 'number' ? this.#open.get(path) : this.#own(path);
      if (full === undefined) return;
      this.#did('write', full, () => {
        if (typeof path !== 'number') this.#changeEntry(full);
        this.#pages(full).changes++;
      });
      if (options?.flush) this.#pages(full).synced = this.#pages(full).changes;
    });
    replace('copyFileSync', (copy) => (from, to, ...more) => {
      copy(from, to, ...more);
      const full = this.#own(to);
      if (full === undefined) return;
      this.#did('write', full, () => {
        this.#changeEntry(full);
        this.#pages(full).changes++;
      });
    });
    replace('mkdirSync', (make) => (path, ...more) => {
      const made = make(path, ...more);
      // `recursive` creates those above it, too.
      const first = typeof made === 'string' ? resolve(made) : undefined;
      for (let full = this.#own(path); full !== undefined && full !== this.#root; full = this.#own(dirname(full))) {
        const entry = full;
        if (more[0]?.recursive && (first === undefined || !`${entry}/`.startsWith(`${first}/`))) break;
        this.#did('create', entry, () => this.#changeEntry(entry));
        if (!more[0]?.recursive) break;
      }
      return made;
    });
    syncBuiltinESMExports();
  }

  #own(path: unknown): string | undefined {
    const full = typeof path === 'string' ? resolve(path) : undefined;
    return full !== undefined && (full === this.#root || full.startsWith(`${this.#root}/`)) ? full : undefined;
  }

  #pages(path: string): Pages {
    const known = this.#files.get(path) ?? new Pages();
    this.#files.set(path, known);
    return known;
  }

  #directory(path: string): Pages {
    const known = this.#directories.get(path) ?? new Pages();
    this.#directories.set(path, known);
    return known;
  }

  #changeEntry(path: string): void {
    this.#entries.set(path, ++this.#directory(dirname(path)).changes);
  }

  #did(what: string, path: string, change: () => void, to = ''): void {
    const operation = `${what} ${this.#named(path)}${to === '' ? '' : ` ${this.#named(to)}`}`;
    for (const { operation: pattern, before } of this.#watches) if (pattern.test(operation)) before();
    this.operations.push(operation);
    change();
  }

  #named(path: string): string {
    return path === this.#root ? '.' : basename(path);
  }

  #wrote(fd: number): void {
    const path = this.#open.get(fd);
    if (path !== undefined) this.#did('write', path, () => this.#pages(path).changes++);
  }

  /** Returns what a sync that succeeds has done. Changes during the sync are not covered. */
  #syncing(fd: number): () => void {
    const path = this.#open.get(fd);
    if (path === undefined) return () => undefined;
    const pages = fs.statSync(path).isDirectory() ? this.#directory(path) : this.#pages(path);
    const { changes } = pages;
    return () => this.#did('sync', path, () => Object.assign(pages, { synced: Math.max(pages.synced, changes) }));
  }

  #renaming(from: string, to: string): void {
    const [source, target] = [this.#own(from), this.#own(to)];
    if (source === undefined || target === undefined) return;
    const content = this.#files.get(source);
    if (content?.durable === false) this.faults.push(`${basename(source)} was renamed before its content was durable`);
    this.#did(
      'rename',
      source,
      () => {
        this.#changeEntry(source);
        this.#changeEntry(target);
        this.#files.delete(source);
        if (content !== undefined) this.#files.set(target, content);
        for (const [fd, path] of this.#open) if (path === source) this.#open.set(fd, target);
      },
      target,
    );
  }
}
