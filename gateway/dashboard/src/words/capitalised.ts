/** A sentence of the server's, which begin small, where it stands by itself. */
export function capitalised(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
