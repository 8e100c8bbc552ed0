// Repeatable chance for tests: the same seed gives the same draws. Never for secrets.
import { createHash } from 'node:crypto';
import { type Random, randomFrom } from '../random.ts';

/** Draws that depend on nothing but `seed`: SHA-256 of the seed and a counter. */
export function seededRandom(seed: number | string): Random {
  let counter = 0;
  let pool = Buffer.alloc(0);
  const bytes = (count: number): Buffer => {
    while (pool.length < count) {
      const block = createHash('sha256').update(`${seed}:${counter++}`).digest();
      pool = Buffer.concat([pool, block]);
    }
    const drawn = Buffer.from(pool.subarray(0, count));
    pool = pool.subarray(count);
    return drawn;
  };
  // 48 bits over at most 2^32 values: the bias is below 2^-16, which no test can see.
  return randomFrom({ bytes, int: (max) => bytes(6).readUIntBE(0, 6) % max });
}
