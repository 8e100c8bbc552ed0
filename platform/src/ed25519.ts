// Ed25519 keys: signing from a 32-byte seed, verifying on the spot or in the thread pool (appendices, "Signing JSON").
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { SigningKey, VerifyKey } from '@carillon/protocol/signed-json.ts';
import nacl from 'tweetnacl';

export const SEED_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;

// The fixed beginnings of a PKCS #8 private key and of a SubjectPublicKeyInfo (RFC 8410).
const PRIVATE_KEY_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export interface Ed25519SigningKey extends SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly verifyKey: VerifyKey;
}

/** A signing key from its seed (32 bytes, else it throws). Its key object is made once and reused. */
export function signingKeyFromSeed(seed: Uint8Array, keyId: string): Ed25519SigningKey {
  if (seed.length !== SEED_BYTES) throw new Error(`A signing seed has ${SEED_BYTES} bytes, not ${seed.length}`);
  const { publicKey } = nacl.sign.keyPair.fromSeed(Uint8Array.from(seed));
  const der = Buffer.concat([PRIVATE_KEY_PREFIX, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return {
    keyId,
    publicKey,
    verifyKey: verifyKeyFromBytes(publicKey),
    sign: (message) => sign(null, message, privateKey),
  };
}

/** A public key from its 32 bytes; throws where it is no key. Keep it: making it costs more than one use. */
export function verifyKeyFromBytes(publicKey: Uint8Array): VerifyKey {
  if (publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new Error(`A public key has ${PUBLIC_KEY_BYTES} bytes, not ${publicKey.length}`);
  }
  const der = Buffer.concat([PUBLIC_KEY_PREFIX, publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return {
    verify: (message, signature) => verify(null, message, key, signature),
    verifyAsync: (message, signature) => verifyInThreadPool(key, message, signature),
  };
}

function verifyInThreadPool(key: KeyObject, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    verify(null, message, key, signature, (error, valid) => resolve(error === null && valid));
  });
}
