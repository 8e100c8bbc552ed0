import nacl from 'tweetnacl';
import { describe, expect, test } from 'vitest';
import { signingKeyFromSeed, verifyKeyFromBytes } from './ed25519.ts';

const message = Buffer.from('{"one":1,"two":"Two"}');

describe('Ed25519', () => {
  test('agrees with a second implementation in both directions', () => {
    for (let run = 0; run < 10; run++) {
      const seed = new Uint8Array(32).fill(run * 7 + 1);
      const key = signingKeyFromSeed(seed, 'ed25519:1');
      const pair = nacl.sign.keyPair.fromSeed(seed);
      expect([...key.publicKey]).toEqual([...pair.publicKey]);
      const signature = key.sign(message);
      expect(nacl.sign.detached.verify(new Uint8Array(message), new Uint8Array(signature), pair.publicKey)).toBe(true);
      expect(key.verifyKey.verify(message, nacl.sign.detached(new Uint8Array(message), pair.secretKey))).toBe(true);
    }
  });

  test('signs the example of the spec', () => {
    const key = signingKeyFromSeed(Buffer.from('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1', 'base64'), 'ed25519:1');
    expect(Buffer.from(key.sign(message)).toString('base64')).toBe(
      'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw==',
    );
  });

  test('verifies in the thread pool as on the spot, and refuses without throwing', async () => {
    const key = signingKeyFromSeed(new Uint8Array(32).fill(1), 'ed25519:1');
    const signature = key.sign(message);
    const changed = Uint8Array.from(signature, (byte, index) => (index === 5 ? byte ^ 1 : byte));
    for (const [bytes, valid] of [
      [signature, true],
      [changed, false],
      [new Uint8Array(0), false],
      [new Uint8Array(64), false],
      [new Uint8Array(65), false],
    ] as const) {
      expect(key.verifyKey.verify(message, bytes)).toBe(valid);
      expect(await key.verifyKey.verifyAsync(message, bytes)).toBe(valid);
    }
  });

  test('refuses keys of a wrong size', () => {
    expect(() => signingKeyFromSeed(new Uint8Array(31), 'ed25519:1')).toThrow('32 bytes');
    expect(() => verifyKeyFromBytes(new Uint8Array(33))).toThrow('32 bytes');
  });
});
