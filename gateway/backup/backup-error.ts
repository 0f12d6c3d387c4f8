export type BackupErrorCode =
  | 'BACKUP_EXISTS'
  | 'BACKUP_BUSY'
  | 'BACKUP_OVERLAP'
  | 'BACKUP_BAD'
  | 'BACKUP_NEWER'
  | 'BACKUP_OTHER_LOG'
  | 'BACKUP_CHANGED'
  | 'RESTORE_NOT_EMPTY'
  | 'RESTORE_UNFINISHED'
  /** As of a data directory: another backup to the directory runs. */
  | 'DATA_LOCKED';

/** A backup cannot be made, or cannot be restored. The message says what to do. */
export class BackupError extends Error {
  readonly code: BackupErrorCode;

  constructor(code: BackupErrorCode, message: string) {
    super(message);
    this.name = 'BackupError';
    this.code = code;
  }
}
