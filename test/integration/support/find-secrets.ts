// Looks for secrets in texts, quickly: the run's logs are many megabytes and its secrets thousands.

export interface Hit {
  readonly secret: string;
  /** What stands around it. */
  readonly context: string;
}

const WORD = /[A-Za-z0-9_-]{8,}/g;
const CONTEXT_CHARACTERS = 120;

/** The secrets that a text holds, as they are, percent-encoded, or in JSON. */
export function findSecrets(text: string, secrets: ReadonlySet<string>): Hit[] {
  const words = new Map<string, number>();
  // Escapes would run together with the word behind them.
  const plain = text.replace(/%[0-9A-Fa-f]{2}|\\[nrtbf"\\/]/g, (sequence) => ' '.repeat(sequence.length));
  for (const match of plain.matchAll(WORD)) words.set(match[0], match.index);
  const hits: Hit[] = [];
  for (const secret of secrets) {
    const at = positionOf(secret, { text, words });
    if (at >= 0)
      hits.push({ secret, context: text.slice(Math.max(0, at - CONTEXT_CHARACTERS), at + CONTEXT_CHARACTERS) });
  }
  return hits;
}

/** The longest part of a token is as secret as the whole; what has no such part is a sentence, and looked for as one. */
function positionOf(secret: string, { text, words }: { text: string; words: Map<string, number> }): number {
  const parts = [...secret.matchAll(WORD)].map(([part]) => part).sort((a, b) => b.length - a.length);
  const longest = parts[0];
  if (longest !== undefined && longest.length >= 20) return words.get(longest) ?? -1;
  const asItIs = text.indexOf(secret);
  return asItIs >= 0 ? asItIs : text.indexOf(encodeURIComponent(secret));
}
