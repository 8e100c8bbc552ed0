// Chance as a value that is passed in, so that tests and simulations can repeat it.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';

export interface Random {
  /** `count` unpredictable bytes. */
  bytes(count: number): Buffer;
  /** `byteCount` unpredictable bytes as unpadded base64url: for tokens and opaque ids. */
  token(byteCount: number): string;
  /** A whole number from 0 to `max` - 1, each as likely; `max` from 1 to 2^32. */
  int(max: number): number;
  /** `length` characters, each drawn from `alphabet`. */
  text(length: number, alphabet: string): string;
  /** A version 4 UUID in lower case. */
  uuid(): string;
}

/** Builds the derived draws on two sources. */
export function randomFrom(source: Pick<Random, 'bytes' | 'int'> & { uuid?: () => string }): Random {
  return {
    bytes: source.bytes,
    int: source.int,
    token: (byteCount) => source.bytes(byteCount).toString('base64url'),
    text: (length, alphabet) => Array.from({ length }, () => alphabet.charAt(source.int(alphabet.length))).join(''),
    uuid: source.uuid ?? (() => uuidFrom(source.bytes(16))),
  };
}

function uuidFrom(bytes: Buffer): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The operating system's cryptographic generator. */
export const systemRandom: Random = randomFrom({
  bytes: (count) => randomBytes(count),
  int: (max) => randomInt(max),
  uuid: () => randomUUID(),
});
