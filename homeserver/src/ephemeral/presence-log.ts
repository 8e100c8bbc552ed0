// Whose presence changed, in the order of volatile positions.
import type { UserId } from '@carillon/protocol/identifiers.ts';

/** Changes kept at least; a reader who is further behind is told of everyone who is about. */
export const MAX_LOGGED_PRESENCES = 10_000;

export class PresenceLog {
  #entries: { readonly userId: UserId; readonly volatilePosition: number }[] = [];
  #completeAfter = 0;

  add(userId: UserId, volatilePosition: number): void {
    this.#entries.push({ userId, volatilePosition });
    if (this.#entries.length < 2 * MAX_LOGGED_PRESENCES) return;
    const dropped = this.#entries.splice(0, MAX_LOGGED_PRESENCES);
    this.#completeAfter = dropped.at(-1)?.volatilePosition ?? this.#completeAfter;
  }

  /** Who changed after a position, each once; null when some of it is no longer here. */
  since(after: number): Set<UserId> | null {
    if (after < this.#completeAfter) return null;
    const users = new Set<UserId>();
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.volatilePosition <= after) break;
      users.add(entry.userId);
    }
    return users;
  }
}
