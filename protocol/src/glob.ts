// Glob-style matching (appendices): `*` any run of characters, `?` one. Without regular expressions, so that no pattern is slow:
// a text of n characters costs at most n times the pattern's length.

/** A pattern split at its stars, ready to be matched many times. */
export interface Glob {
  /** The pieces between stars; one piece: the pattern has no star. */
  readonly pieces: readonly string[];
  readonly hasWildcard: boolean;
}

/** Compiles a pattern. Matching is case-sensitive: lower both sides first where it should not be. */
export function compileGlob(pattern: string): Glob {
  return { pieces: pattern.replace(/\*+/g, '*').split('*'), hasWildcard: /[*?]/.test(pattern) };
}

/** True when the whole text matches. */
export function matchesGlob(glob: Glob, text: string): boolean {
  if (!glob.hasWildcard) return text === glob.pieces[0];
  const [first = '', ...rest] = glob.pieces;
  const at = matchPiece(first, text, 0);
  const last = rest.pop();
  if (last === undefined) return at === text.length;
  return existsFrom(last, text, { from: findEach(rest, text, at), endsWell: (end) => end === text.length });
}

/**
 * True when some part of the text matches that begins and ends at a word boundary: an end of the text, or next to a character
 * that is no letter, digit, mark or connecting punctuation of any script. Here `?` does not stand for a line break.
 */
export function matchesGlobInWords(glob: Glob, text: string): boolean {
  const [first = '', ...rest] = glob.pieces;
  const isBoundary = (at: number) => isWordBoundary(text, at);
  const last = rest.pop();
  const begin: Search = { from: 0, startsWell: isBoundary, isLiteral: !glob.hasWildcard, withinLine: true };
  if (last === undefined) return findPiece(first, text, { ...begin, endsWell: isBoundary }) >= 0;
  const at = findEach(rest, text, findPiece(first, text, begin));
  return existsFrom(last, text, { from: at, endsWell: isBoundary, withinLine: true });
}

interface Search {
  /** Where to begin; negative: a piece before this one was not found. */
  readonly from: number;
  readonly startsWell?: (at: number) => boolean;
  readonly endsWell?: (at: number) => boolean;
  /** A `?` stands for itself. */
  readonly isLiteral?: boolean;
  readonly withinLine?: boolean;
}

function findEach(pieces: readonly string[], text: string, from: number): number {
  let at = from;
  for (const piece of pieces) at = findPiece(piece, text, { from: at });
  return at;
}

function existsFrom(piece: string, text: string, search: Search): boolean {
  return findPiece(piece, text, search) >= 0;
}

/** Where the first match of a piece ends; −1 for none. */
function findPiece(piece: string, text: string, search: Search): number {
  const { from, startsWell, endsWell, withinLine = false } = search;
  if (from < 0) return -1;
  const isLiteral = search.isLiteral || !piece.includes('?');
  for (let start = from; start <= text.length; start++) {
    if (isLiteral) {
      start = text.indexOf(piece, start);
      if (start < 0) return -1;
    }
    if (startsWell && !startsWell(start)) continue;
    const end = isLiteral ? start + piece.length : matchPiece(piece, text, start, withinLine);
    if (end >= 0 && (!endsWell || endsWell(end))) return end;
  }
  return -1;
}

/** Where a match of the piece at exactly this place ends; −1 for none. */
function matchPiece(piece: string, text: string, start: number, withinLine = false): number {
  let at = start;
  for (let index = 0; index < piece.length; index++) {
    const unit = text.charCodeAt(at);
    if (Number.isNaN(unit)) return -1;
    if (piece[index] === '?') {
      if (withinLine && unit === 0x0a) return -1;
      // A character beyond the basic plane is two units and one character.
      at += unit >= 0xd800 && unit <= 0xdbff ? 2 : 1;
    } else if (piece.charCodeAt(index) === unit) at++;
    else return -1;
  }
  return at;
}

const WORD_CHARACTER = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

function isWordBoundary(text: string, at: number): boolean {
  if (at === 0 || at === text.length) return true;
  return !isWordCharacterAt(text, at) || !isWordCharacterAt(text, at - 1);
}

function isWordCharacterAt(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  const start = unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
  return WORD_CHARACTER.test(String.fromCodePoint(text.codePointAt(start)!));
}
