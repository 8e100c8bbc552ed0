// The newest accepted events of a room in memory, in the order of arrival.
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { StoredEvent } from './stored-event.ts';

/** How many events a hot room keeps at least; it holds up to twice as many before it trims. */
export const RECENT_EVENTS = 64;

export class RecentTimeline {
  #events: StoredEvent[] = [];
  /** Every accepted event above this position is in memory. */
  #completeAfter = 0;

  /** Starts with what was loaded: the newest events, oldest first, complete above `completeAfter`. */
  load(events: StoredEvent[], completeAfter: number): void {
    this.#events = events;
    this.#completeAfter = completeAfter;
  }

  get completeAfter(): number {
    return this.#completeAfter;
  }

  /** Takes the next event, which is newer than all in here. */
  push(event: StoredEvent): void {
    this.#events.push(event);
    if (this.#events.length < 2 * RECENT_EVENTS) return;
    const dropped = this.#events.splice(0, this.#events.length - RECENT_EVENTS);
    this.#completeAfter = dropped.at(-1)?.position ?? this.#completeAfter;
  }

  /** The events that arrived in (after, until], oldest first; null where some may be on disk only. */
  between(after: number, until: number): readonly StoredEvent[] | null {
    if (after < this.#completeAfter) return null;
    return this.#events.slice(this.#firstAbove(after), this.#firstAbove(until));
  }

  /** The newest events up to `until`, at most `limit`, oldest first; null where some may be on disk only. */
  newest(until: number, limit: number): readonly StoredEvent[] | null {
    const end = this.#firstAbove(until);
    if (end < limit && this.#completeAfter > 0) return null;
    return this.#events.slice(Math.max(0, end - limit), end);
  }

  /** Everything in memory, oldest first. */
  all(): readonly StoredEvent[] {
    return this.#events;
  }

  /** An event by its id. */
  find(eventId: EventId): StoredEvent | undefined {
    for (let index = this.#events.length - 1; index >= 0; index--) {
      if (this.#events[index]?.eventId === eventId) return this.#events[index];
    }
    return undefined;
  }

  /** The index of the first event above a position. */
  #firstAbove(position: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
