import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tokenProblem } from '../../bearer-token.ts';
import type { Credentials } from '../../client/index.ts';
import type { Dispatcher } from '../../client/network.ts';
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
  if (!isSigningKey(privateKey))
    throw new CliError(`${apiKeyFile} is no Ed25519 private key in PEM; make one with: openssl genpkey -algorithm ed25519`, ExitCode.Usage);
  return { id: apiKeyId, privateKey };
}

function isSigningKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
}

/** The token of a request: that of the flags, or one that the exchange gives for the API key. @throws CliError */
export async function tokenFor(flags: CredentialFlags, origin: string, dispatcher: Dispatcher | undefined): Promise<string | undefined> {
  const apiKey = readApiKey(flags);
  if (apiKey === undefined) return readToken(flags);
  const [{ TokenSource }, { logIn }] = await Promise.all([import('../../client/token-source.ts'), import('../../client/key-session.ts')]);
  return await TokenSource.of({ apiKey }, (key) => logIn(key, origin, dispatcher))?.get();
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`cannot read ${what} from ${file} (${(error as NodeJS.ErrnoException).code})`, ExitCode.Usage);
  }
}
