// Password hashes: argon2id, a few at a time, so that logins cannot take the processor from everything else (S60).
import { hash as digest } from 'node:crypto';
import type { Random } from '@carillon/platform/random.ts';
import { limitExceeded } from '@carillon/protocol/matrix-error.ts';
import { hash, verify } from '@node-rs/argon2';

export type HashCost = 'low' | 'normal';

const COSTS = {
  low: { memoryCost: 1_024, timeCost: 1, parallelism: 1 },
  normal: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
} as const;

/** Hashes that run beside each other. */
export const MAX_CONCURRENT_HASHES = 2;
/** Hashes that may wait; more are refused with 429. */
export const MAX_WAITING_HASHES = 200;
const BUSY_RETRY_MS = 5_000;
export const MAX_PASSWORD_BYTES = 1_024;

export class PasswordHasher {
  readonly #cost: HashCost;
  readonly #random: Random;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #dummy: Promise<string> | null = null;

  constructor({ cost, random }: { cost: HashCost; random: Random }) {
    this.#cost = cost;
    this.#random = random;
  }

  /** The hash in PHC form, with its own salt. Rejects with M_LIMIT_EXCEEDED when too many wait. */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(prepare(password), { ...COSTS[this.#cost], salt: this.#random.bytes(16) }));
  }

  /**
   * Whether the password is the hash's. Without a hash it takes as long as with one and answers false (S59).
   * Rejects with M_LIMIT_EXCEEDED when too many wait.
   */
  async verify(passwordHash: string | null, password: string): Promise<boolean> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false;
    this.#dummy ??= this.hash(this.#random.token(32));
    const against = passwordHash ?? (await this.#dummy);
    const right = await this.#inTurn(() => verify(against, prepare(password)));
    return right && passwordHash !== null;
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= MAX_CONCURRENT_HASHES) {
      if (this.#waiting.length >= MAX_WAITING_HASHES) throw limitExceeded(BUSY_RETRY_MS);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      // A place is handed on, not given back, so that nobody overtakes.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** The same characters typed on different keyboards are the same password. */
function prepare(password: string): string {
  return password.normalize('NFKC');
}

/** SHA-256, by which tokens of 256 bits are kept at rest. */
export function hashToken(token: string): Buffer {
  return digest('sha256', token, 'buffer');
}
