// The two hashes that place a (type, state_key) in the state trie. Stored tries depend on them: they may never change.
// The second serves where the first is used up; it mixes differently, so that keys made to collide in one part in the other.

const SEPARATOR = 0;

/** A signed 32-bit hash of type + U+0000 + state_key, by UTF-16 units. */
export function hashStateKey(type: string, stateKey: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let index = 0; index < type.length; index++) hash = Math.imul(hash ^ type.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ SEPARATOR, 0x01000193);
  for (let index = 0; index < stateKey.length; index++) hash = Math.imul(hash ^ stateKey.charCodeAt(index), 0x01000193);
  return spread(hash);
}

/** Another signed 32-bit hash of the same key. */
export function secondHashStateKey(type: string, stateKey: string): number {
  let hash = 0x2f0b4c47;
  for (let index = 0; index < type.length; index++) hash = rotateIn(hash, type.charCodeAt(index));
  hash = rotateIn(hash, SEPARATOR);
  for (let index = 0; index < stateKey.length; index++) hash = rotateIn(hash, stateKey.charCodeAt(index));
  return spread(hash);
}

function rotateIn(hash: number, unit: number): number {
  const mixed = hash ^ Math.imul(unit + 1, 0x5bd1e995);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0x3c6ef372) | 0;
}

/** Lets every bit of the running hash reach the low bits, which place an entry first. */
function spread(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x7feb352d);
  bits ^= bits >>> 15;
  bits = Math.imul(bits, 0x346ca68b);
  return bits ^ (bits >>> 16);
}
