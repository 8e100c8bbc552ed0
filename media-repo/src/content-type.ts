// Types of files: which of what clients say is believed, and which may be shown in place (client-server API,
// "Serving inline content").

const INLINE = new Set([
  'text/css',
  'text/plain',
  'text/csv',
  'application/json',
  'application/ld+json',
  'image/jpeg',
  'image/gif',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'audio/mp4',
  'audio/webm',
  'audio/aac',
  'audio/mpeg',
  'audio/ogg',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/flac',
  'audio/x-flac',
]);

export const UNKNOWN_TYPE = 'application/octet-stream';

const MAX_TYPE_LENGTH = 255;
/** A type with parameters, in the characters that HTTP allows. */
const TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=("[\x20\x21\x23-\x5b\x5d-\x7e]*"|[\w!#$&^.+-]+))*$/;

/** The type as a client gave it, if it is one. */
export function cleanContentType(type: string | undefined): string {
  const text = type?.trim() ?? '';
  return text.length <= MAX_TYPE_LENGTH && TYPE.test(text) ? text : UNKNOWN_TYPE;
}

/** The type without its parameters, in lower case. */
export const essenceOf = (type: string): string => type.split(';')[0]?.trim().toLowerCase() ?? '';

export function dispositionOf(type: string): 'inline' | 'attachment' {
  return INLINE.has(essenceOf(type)) ? 'inline' : 'attachment';
}

/** The headers that keep a browser from running what is served, and let it be shown by clients of other origins. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
};
