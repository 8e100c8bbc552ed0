// Unpadded base64, in both alphabets (appendices, "Unpadded Base64"). Pure, so that browsers run it too.

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const PAD = 0x3d;

const valueOfCode = new Int8Array(128).fill(-1);
for (let value = 0; value < 64; value++) {
  valueOfCode[STANDARD.charCodeAt(value)] = value;
  valueOfCode[URL_SAFE.charCodeAt(value)] = value;
}

/** Standard alphabet, no padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return encode(bytes, STANDARD);
}

/** URL-safe alphabet, no padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encode(bytes, URL_SAFE);
}

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = '';
  let index = 0;
  for (; index + 2 < bytes.length; index += 3) {
    const bits = (bytes[index]! << 16) | (bytes[index + 1]! << 8) | bytes[index + 2]!;
    text += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]! + alphabet[(bits >> 6) & 63]! + alphabet[bits & 63]!;
  }
  if (index + 1 === bytes.length) {
    const bits = bytes[index]! << 4;
    text += alphabet[bits >> 6]! + alphabet[bits & 63]!;
  } else if (index + 2 === bytes.length) {
    const bits = ((bytes[index]! << 8) | bytes[index + 1]!) << 2;
    text += alphabet[bits >> 12]! + alphabet[(bits >> 6) & 63]! + alphabet[bits & 63]!;
  }
  return text;
}

/**
 * Decodes either alphabet, padded or not; undefined where it cannot. As lenient as the decoders that servers in the wild
 * use: characters outside the alphabet are passed over, but count when the missing padding is worked out.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const missingPadding = (4 - (text.length % 4)) % 4;
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let length = 0;
  let bits = 0;
  let inGroup = 0;
  let padding = 0;
  for (let index = 0; index < text.length + missingPadding; index++) {
    const code = index < text.length ? text.charCodeAt(index) : PAD;
    if (code > 127) return undefined;
    if (code === PAD) {
      if (inGroup >= 2 && inGroup + ++padding >= 4) return bytes.slice(0, length);
      continue;
    }
    const value = valueOfCode[code]!;
    if (value < 0) continue;
    padding = 0;
    bits = ((bits << 6) | value) & 0xffffff;
    inGroup = (inGroup + 1) & 3;
    if (inGroup !== 1) bytes[length++] = (bits >> ((4 - (inGroup || 4)) * 2)) & 0xff;
  }
  return inGroup === 0 ? bytes.slice(0, length) : undefined;
}
