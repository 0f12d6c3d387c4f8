import { readFileSync } from 'node:fs';
import { tokenProblem } from '../../bearer-token.ts';
import type { Credentials } from '../../client/index.ts';
import { CliError, ExitCode } from './exit.ts';

export interface CredentialFlags {
  readonly tokenFile?: string;
  readonly apiKeyId?: string;
  readonly apiKeyFile?: string;
}

/** What a client of the library is given. A token is read again for each connection. @throws CliError */
export function credentialsOf(flags: CredentialFlags): Credentials {
  const apiKey = readApiKey(flags);
  if (apiKey !== undefined) return { apiKey };
  return readToken(flags) === undefined ? {} : { tokenProvider: () => readToken(flags) ?? '' };
}

/**
 * From the file, else from OPENBELL_TOKEN. Not from a flag: other users of the host see flags in the list of processes.
 * @throws CliError when the file cannot be read or holds no token; its content is never shown
 */
export function readToken({ tokenFile }: CredentialFlags): string | undefined {
  if (tokenFile === undefined) return checkedToken('OPENBELL_TOKEN', process.env.OPENBELL_TOKEN || undefined);
  return checkedToken(tokenFile, read(tokenFile, 'the token').trim());
}

function checkedToken(where: string, token: string | undefined): string | undefined {
  const problem = token === undefined ? undefined : tokenProblem(token);
  if (problem !== undefined) throw new CliError(`what ${where} holds is not a token: ${problem}`, ExitCode.Usage);
  return token;
}

function readApiKey({ apiKeyId, apiKeyFile }: CredentialFlags): Credentials['apiKey'] {
  if (apiKeyId === undefined && apiKeyFile === undefined) return undefined;
  if (apiKeyId === undefined || apiKeyFile === undefined)
    throw new CliError('--api-key-id and --api-key-file go together: give both or none', ExitCode.Usage);
  const privateKey = read(apiKeyFile, 'the private key');
  if (!privateKey.includes('PRIVATE KEY-----'))
    throw new CliError(`${apiKeyFile} is no private key in PEM; make one with: openssl genpkey -algorithm ed25519`, ExitCode.Usage);
  return { id: apiKeyId, privateKey };
}

/** The token of a request: that of the flags, or one that the exchange gives for the API key. @throws CliError */
export async function tokenFor(flags: CredentialFlags, origin: string, dispatcher: RequestInit['dispatcher']): Promise<string | undefined> {
  const apiKey = readApiKey(flags);
  if (apiKey === undefined) return readToken(flags);
  const { TokenSource } = await import('../../client/token-source.ts');
  try {
    return await TokenSource.of({ apiKey }, origin, dispatcher)?.get();
  } catch (error) {
    // An unreadable key makes an error of the cryptography, which does not say which file it was.
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_OSSL'))
      throw new CliError(`${flags.apiKeyFile} is no private key that can sign: it must be Ed25519 in PEM`, ExitCode.Usage);
    throw error;
  }
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`cannot read ${what} from ${file} (${(error as NodeJS.ErrnoException).code})`, ExitCode.Usage);
  }
}
