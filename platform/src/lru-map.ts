// A bounded map that forgets what was used least recently. It takes the memory of what is in it, not of what could be:
// a server with five people pays nothing for limits that are meant for a hundred thousand.

export interface LruMapOptions<Value> {
  /** Entries that are kept. */
  readonly max: number;
  /** Sizes that are kept in sum, as `sizeCalculation` tells them when an entry is set. */
  readonly maxSize?: number;
  readonly sizeCalculation?: (value: Value) => number;
  /** Called for each value that leaves: forgotten, deleted, or replaced by another. */
  readonly dispose?: (value: Value) => void;
}

interface Entry<Value> {
  readonly value: Value;
  readonly size: number;
}

export class LruMap<Key, Value> {
  readonly #options: LruMapOptions<Value>;
  /** In the order of use, as far as that matters yet. */
  readonly #entries = new Map<Key, Entry<Value>>();
  #totalSize = 0;

  constructor(options: LruMapOptions<Value>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value, which thereby counts as used. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#isHalfFull()) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry.value;
  }

  /** The value, without using it. */
  peek(key: Key): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  /** Sets a value; the least recently used ones go if there are too many. What is too large by itself is not kept. */
  set(key: Key, value: Value): void {
    const { maxSize, sizeCalculation } = this.#options;
    const size = sizeCalculation?.(value) ?? 0;
    this.#remove(key, value);
    if (maxSize !== undefined && size > maxSize) return;
    this.#entries.set(key, { value, size });
    this.#totalSize += size;
    while (this.#isTooFull()) {
      const [oldest] = this.#entries.keys();
      if (oldest === undefined) return;
      this.#remove(oldest);
    }
  }

  delete(key: Key): boolean {
    return this.#remove(key);
  }

  /** `successor`: what takes its place. */
  #remove(key: Key, successor?: Value): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#totalSize -= entry.size;
    if (entry.value !== successor) this.#options.dispose?.(entry.value);
    return true;
  }

  /** Below that nothing is forgotten soon: what is in use then moves to the end in time. */
  #isHalfFull(): boolean {
    const { max, maxSize = Number.POSITIVE_INFINITY } = this.#options;
    return this.#entries.size > max / 2 || this.#totalSize > maxSize / 2;
  }

  #isTooFull(): boolean {
    const { max, maxSize = Number.POSITIVE_INFINITY } = this.#options;
    return this.#entries.size > max || this.#totalSize > maxSize;
  }
}
