// What changed lately, in the order of volatile positions: rooms for typing, people for presence.

/** Changes kept at least. */
export const MAX_LOGGED_CHANGES = 10_000;

export class VolatileLog<Key> {
  #entries: { readonly key: Key; readonly volatilePosition: number }[] = [];
  #completeAfter = 0;

  /** Positions come in ascending order. */
  add(key: Key, volatilePosition: number): void {
    this.#entries.push({ key, volatilePosition });
    if (this.#entries.length < 2 * MAX_LOGGED_CHANGES) return;
    const dropped = this.#entries.splice(0, MAX_LOGGED_CHANGES);
    this.#completeAfter = dropped.at(-1)?.volatilePosition ?? this.#completeAfter;
  }

  /** How many changes came after a position; infinitely many when some of them are no longer here. */
  countSince(after: number): number {
    if (after < this.#completeAfter) return Number.POSITIVE_INFINITY;
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.volatilePosition ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    return this.#entries.length - low;
  }

  /** What changed after a position, each once; null when some of it is no longer here. */
  since(after: number): Set<Key> | null {
    if (after < this.#completeAfter) return null;
    const keys = new Set<Key>();
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.volatilePosition <= after) break;
      keys.add(entry.key);
    }
    return keys;
  }
}
