// The words of a text as search compares them. Pure.

/** Words of one text that are kept. */
export const MAX_WORDS = 2_000;
/** Characters of one word that count. */
export const MAX_WORD_LENGTH = 64;
/** Characters of a text that are looked at. */
const MAX_TEXT_LENGTH = 65_536;

/** Most text is plain, and six times faster to split. */
const ASCII = /^[\x20-\x7e\s]*$/;
const ASCII_RUNS = /[a-z0-9_]+/g;
const RUNS = /[\p{L}\p{N}\p{M}_]+/gu;
/** Scripts that put no blanks between words. */
const UNSPACED = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}]+/gu;

/** Distinct words in lower case; where a script has no blanks, each pair of neighbouring characters, and a character alone. */
export function wordsOf(text: string): string[] {
  const words = new Set<string>();
  if (ASCII.test(text)) {
    for (const word of text.slice(0, MAX_TEXT_LENGTH).toLowerCase().match(ASCII_RUNS) ?? []) {
      words.add(word.length > MAX_WORD_LENGTH ? word.slice(0, MAX_WORD_LENGTH) : word);
    }
    return words.size > MAX_WORDS ? [...words].slice(0, MAX_WORDS) : [...words];
  }
  for (const [run] of text.slice(0, MAX_TEXT_LENGTH).normalize('NFKC').toLowerCase().matchAll(RUNS)) {
    if (words.size >= MAX_WORDS) break;
    for (const [part] of run.matchAll(UNSPACED)) addPairs(words, part);
    for (const part of run.split(UNSPACED)) if (part !== '') words.add(part.slice(0, MAX_WORD_LENGTH));
  }
  return [...words].slice(0, MAX_WORDS);
}

function addPairs(words: Set<string>, text: string): void {
  const characters = [...text];
  for (const [index, character] of characters.entries()) {
    words.add(character);
    const next = characters[index + 1];
    if (next !== undefined) words.add(character + next);
  }
}
