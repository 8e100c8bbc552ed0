// Private keys that stand in documents for all to read: whoever signs with one is anyone (threat S30).
import { encodeBase64 } from '@carillon/protocol/base64.ts';

/** Public halves, in unpadded base64. */
const PUBLISHED: ReadonlySet<string> = new Set([
  // The signing example of the specification's appendices.
  'XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI',
]);

/** True for a public key whose private half has been published. */
export function isPublishedKey(publicKey: Uint8Array): boolean {
  return PUBLISHED.has(encodeBase64(publicKey));
}
