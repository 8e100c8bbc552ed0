import { describe, expect, test } from 'vitest';
import type { JsonObject } from './json.ts';
import { parseJson } from './parse-json.ts';
import {
  addSignature,
  signatureOf,
  signaturesOf,
  signedBytes,
  signJson,
  type VerifyKey,
  verifyJson,
} from './signed-json.ts';

// A stand-in for keys: the "signature" repeats the message's length, so that a changed message shows.
const signOf = (message: Uint8Array) => new Uint8Array(64).fill(message.length % 251);
const key: VerifyKey = {
  verify: (message, signature) => Buffer.from(signOf(message)).equals(Buffer.from(signature)),
  verifyAsync: async (message, signature) => key.verify(message, signature),
};
const signer = { keyId: 'ed25519:1', sign: signOf };

describe('signed JSON', () => {
  test('signatures and unsigned are not covered', () => {
    const text = Buffer.from(
      signedBytes({ b: 1, signatures: { x: {} }, unsigned: { age: 1 }, a: { unsigned: 2 } }),
    ).toString();
    expect(text).toBe('{"a":{"unsigned":2},"b":1}');
  });

  test('adds to other signatures without touching the object', () => {
    const object: JsonObject = {
      a: 1,
      signatures: { 'other.example': { 'ed25519:2': 'AAAA' }, 'a.example': { 'ed25519:0': 'BBBB' } },
    };
    const before = JSON.stringify(object);
    const signed = signJson(object, 'a.example', signer);
    expect(JSON.stringify(object)).toBe(before);
    expect(Object.keys((signed['signatures'] as JsonObject)['a.example'] as JsonObject)).toEqual([
      'ed25519:0',
      'ed25519:1',
    ]);
    expect(verifyJson(signed, 'a.example', { keyId: 'ed25519:1', key })).toBe(true);
    expect(verifyJson({ ...signed, unsigned: { age: 5 } }, 'a.example', { keyId: 'ed25519:1', key })).toBe(true);
    expect(verifyJson({ ...signed, b: 22 }, 'a.example', { keyId: 'ed25519:1', key })).toBe(false);
  });

  test('malformed signatures are none', () => {
    const texts = [
      'null',
      '[]',
      '{"a.example":null}',
      '{"a.example":{"ed25519:1":7}}',
      '{"a.example":{"ed25519:1":"AAAA"}}',
      '{"a.example":{"rsa:1":""}}',
    ];
    for (const text of texts) {
      const object = parseJson(`{"signatures":${text}}`) as JsonObject;
      expect(signatureOf(object, 'a.example', 'ed25519:1')).toBeUndefined();
      expect(verifyJson(object, 'a.example', { keyId: 'ed25519:1', key })).toBe(false);
    }
    expect(signaturesOf({ signatures: {} }, '__proto__')).toEqual([]);
    expect(signaturesOf({ signatures: {} }, 'constructor')).toEqual([]);
    expect(addSignature({ signatures: [] }, 'a', { keyId: 'k', signature: 's' })).toEqual({
      signatures: { a: { k: 's' } },
    });
  });
});
