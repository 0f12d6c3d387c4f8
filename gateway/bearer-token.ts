/** What a token in an authorization header consists of (RFC 6750). */
const TOKEN = /^[\w.~+/-]+=*$/;

/** What is wrong with a text as a token, without quoting it; undefined if nothing is. */
export function tokenProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (text.startsWith('-----BEGIN ')) return 'it is a key or a certificate in PEM';
  if (TOKEN.test(text)) return undefined;
  return 'it has characters that no token has, such as spaces or line ends';
}
