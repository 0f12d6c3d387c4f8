import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { mustBeFile } from '../../engine/journal/path-kind.ts';
import { BackupError } from './backup-error.ts';

/** File of a backup that lists all others. It is written last. */
export const MANIFEST = 'backup.json';
const FORMAT = 'openbell-backup';
const VERSION = 1;

/** Paths below a data directory that a backup may contain. A restore writes nothing else, whatever a manifest names. */
const PATH =
  /^(log-\d{16}\.obl|snapshot-\d{16}\.obs|configured\.json|audit\/audit-\d{12}\.jsonl|(history|alerts|feed-candles)\/data\.mdb)$/;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const hex64 = z.string().regex(/^[0-9a-f]{16}$/);
const whole = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const fileSchema = z.strictObject({
  path: z.string().regex(PATH),
  bytes: whole,
  /** Permission bits. */
  mode: whole.max(0o777),
  /** Segments: the bytes behind it are zeros, which a file system need not store. */
  usedBytes: whole.optional(),
  sha256,
});

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** Release of openbell that made the backup. */
  release: z.string(),
  /** ISO 8601, UTC. */
  beganAt: z.string(),
  endedAt: z.string(),
  /** Data directory on the host that it was made on. */
  source: z.string(),
  logId: hex64,
  /** First and last command of the log. */
  firstSeq: whole,
  seq: whole,
  /** Hash chain of the log at `seq`, and the command that it begins with; null: an earlier release wrote the log. */
  chain: z.strictObject({ chain: hex64, fromSeq: whole }).nullable(),
  /** State at `seq`, as `openbell verify` prints it. */
  stateHash: sha256,
  tradingHash: sha256,
  /** The history holds the reports up to this command; null: there is no history. */
  historySeq: whole.nullable(),
  /** Records of the audit trail and the hash of the last one; null: there is no trail. */
  audit: z.strictObject({ records: whole, head: sha256 }).nullable(),
  files: z.array(fileSchema),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type BackupFile = Manifest['files'][number];

/** What a backup says of itself, without format and version. */
export type BackupContent = Omit<Manifest, 'format' | 'version'>;

/** Text of the manifest. Its last key is the SHA-256 of everything before it, so that a changed manifest is detected as well. */
export function manifestText(content: BackupContent): string {
  const body = JSON.stringify({ format: FORMAT, version: VERSION, ...content }, undefined, 1);
  return `${body.slice(0, -2)},\n "sha256": "${digest(body)}"\n}\n`;
}

/** Reads and checks the manifest of a backup. @throws BackupError, PathError */
export function readManifest(dir: string): Manifest {
  const path = join(dir, MANIFEST);
  mustBeFile(path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new BackupError('BACKUP_BAD', `${dir} is not a whole backup: it has no ${MANIFEST}. Name a directory that openbell backup made.`);
  }
  return parse(path, text);
}

function parse(path: string, text: string): Manifest {
  const damaged = (what: string): BackupError =>
    new BackupError('BACKUP_BAD', `${path} is damaged: ${what}. Nothing was changed. Use another backup.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged('it is not JSON');
  }
  const { sha256: given, ...body } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (body.format === FORMAT && typeof body.version === 'number' && body.version > VERSION)
    throw new BackupError(
      'BACKUP_NEWER',
      `${path} was written by a newer openbell: it has version ${body.version}; this release reads version ${VERSION}. Nothing was changed. Use the release that wrote it, or a newer one.`,
    );
  if (given !== digest(JSON.stringify(body, undefined, 1))) throw damaged('its checksum is wrong');
  const parsed = manifestSchema.safeParse(body);
  if (!parsed.success) throw damaged(`${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`);
  return parsed.data;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
