// Names of files: what is kept of them, and how they go into a Content-Disposition header (RFC 6266, RFC 8187).

/** Longer names lose their middle. */
export const MAX_FILE_NAME_LENGTH = 255;
const KEPT_ENDING = 20;

/** Control characters, and those that turn the direction of writing: a name must read as what it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const INVISIBLE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]/g;

/** The name as it is kept; null where nothing is left of it. */
export function cleanFileName(name: string | undefined): string | null {
  if (name === undefined) return null;
  const visible = name.toWellFormed().replace(INVISIBLE, '').trim();
  if (visible === '') return null;
  const characters = [...visible];
  if (visible.length <= MAX_FILE_NAME_LENGTH) return visible;
  const ending = characters.slice(-KEPT_ENDING).join('');
  let start = '';
  for (const character of characters) {
    if (start.length + character.length + ending.length > MAX_FILE_NAME_LENGTH) break;
    start += character;
  }
  return start + ending;
}

/** `inline` or `attachment` with the name, in ASCII and, where that is not all of it, in UTF-8. */
export function contentDisposition(disposition: 'inline' | 'attachment', fileName: string | null): string {
  const name = cleanFileName(fileName ?? undefined);
  if (name === null) return disposition;
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\]/g, '\\$&');
  const plain = `${disposition}; filename="${ascii}"`;
  if (/^[\x20-\x7e]*$/.test(name) && !/%[0-9a-f]{2}/i.test(name)) return plain;
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${plain}; filename*=UTF-8''${encoded}`;
}
