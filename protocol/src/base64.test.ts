import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64, encodeBase64Url } from './base64.ts';

describe('base64', () => {
  test('encodes as Node does, without padding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64').replace(/=+$/, ''));
        expect(encodeBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
      }),
    );
  });

  test('decodes both alphabets, padded and not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const text of [encodeBase64(bytes), encodeBase64Url(bytes), Buffer.from(bytes).toString('base64')]) {
          expect([...decodeBase64(text)!]).toEqual([...bytes]);
        }
      }),
    );
  });

  test.each(['Z', 'ZZZZZ', 'é', 'Zm9*'])('%j decodes to nothing', (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});
