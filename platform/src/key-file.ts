// Secrets that outlive restarts and stay out of the database: one file each in the data folder, readable by us alone.
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from './random.ts';
import { StartFault } from './supervisor/start-fault.ts';

const OWNER_ONLY = 0o600;

/**
 * The text of a secret file in a folder; made by `make` at the first start. Throws a StartFault where it cannot be read or written.
 * A file that exists is never overwritten.
 */
export function loadSecretFile(folder: string, name: string, make: () => string): string {
  const path = join(folder, name);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (!isMissing(error)) throw new StartFault(`${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  try {
    return createSecretFile(path, make());
  } catch (error) {
    throw new StartFault(`${path} cannot be written: ${reasonOf(error)}`, { cause: error });
  }
}

/** Written beside and linked into place: whoever comes first wins, and nobody reads half a file. */
function createSecretFile(path: string, text: string): string {
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  const file = openSync(draft, 'wx', OWNER_ONLY);
  try {
    writeSync(file, `${text}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}

export interface SigningSeed {
  /** `ed25519:<version>`. */
  readonly keyId: string;
  readonly seed: Uint8Array;
}

const SEED_BYTES = 32;
const KEY_VERSION_LENGTH = 4;
const KEY_LINE = /^ed25519 ([A-Za-z0-9_]{1,64}) ([A-Za-z0-9+/]{43})=?$/;

/** The server's signing key: a line of `ed25519 <version> <seed in base64>`, as other homeservers keep theirs. */
export function loadSigningSeed(folder: string, random: Random): SigningSeed {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const line = loadSecretFile(folder, 'signing.key', () => {
    const seed = random.bytes(SEED_BYTES).toString('base64').replace(/=+$/, '');
    return `ed25519 a_${random.text(KEY_VERSION_LENGTH, alphabet)} ${seed}`;
  });
  const [, version, seed] = KEY_LINE.exec(line) ?? [];
  if (version === undefined || seed === undefined) {
    throw new StartFault(`${join(folder, 'signing.key')} is not a signing key: it has to be "ed25519 VERSION SEED"`);
  }
  return { keyId: `ed25519:${version}`, seed: Buffer.from(seed, 'base64') };
}

/** Thirty-two bytes that sign access tokens. */
export function loadTokenSeed(folder: string, random: Random): Uint8Array {
  const text = loadSecretFile(folder, 'token.key', () => random.bytes(SEED_BYTES).toString('base64url'));
  const seed = Buffer.from(text, 'base64url');
  if (seed.length !== SEED_BYTES) throw new StartFault(`${join(folder, 'token.key')} has to hold ${SEED_BYTES} bytes`);
  return seed;
}

/** What the command line shows a running server to be let in. */
export function loadOperatorSecret(folder: string, random: Random): string {
  return loadSecretFile(folder, 'operator.key', () => random.token(SEED_BYTES));
}

const SHORTEST_MEDIA_KEY = 32;

/** What the homeserver and the media repository know each other by. */
export function loadMediaKey(folder: string, random: Random): string {
  const key = loadSecretFile(folder, 'media.key', () => random.token(SEED_BYTES));
  if (key.length < SHORTEST_MEDIA_KEY) {
    throw new StartFault(`${join(folder, 'media.key')} has to hold ${SHORTEST_MEDIA_KEY} characters or more`);
  }
  return key;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
