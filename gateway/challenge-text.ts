/** The text that an API key signs. The prefix keeps it apart from any other signed text. */
export function challengeText(id: string, nonce: string): string {
  return `openbell challenge v1\n${id}\n${nonce}`;
}
