/** What an API key signs: nothing else that it might ever sign begins like this. */
export function challengeText(id: string, nonce: string): string {
  return `openbell challenge v1\n${id}\n${nonce}`;
}
