// The notifying events of one thread (or the main timeline), so arranged that counting what is unread is two binary searches.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { GROUP_HIGHLIGHTED, GROUP_NOTIFIED, type NotifyingEvent } from './notifying-event.store.ts';

/** What one reader's count depends on. */
export interface CountingReader {
  readonly userId: UserId;
  /** The default rules' judgement holds for events up to here; Infinity for who has no rules of his own. */
  readonly groupUntil: number;
  readonly ignored: ReadonlySet<string>;
}

export interface UnreadCount {
  readonly notificationCount: number;
  readonly highlightCount: number;
}

export const NOTHING_UNREAD: UnreadCount = { notificationCount: 0, highlightCount: 0 };

export class ThreadNotifications {
  readonly #positions: number[] = [];
  readonly #senders: UserId[] = [];
  /** How many of the events up to and including this one notify, and highlight, for the group. */
  readonly #groupNotified: number[] = [];
  readonly #groupHighlighted: number[] = [];
  /** Positions of what notifies, and highlights, for single users beyond the group. */
  readonly #notified = new Map<UserId, number[]>();
  readonly #highlighted = new Map<UserId, number[]>();
  readonly #newestBySender = new Map<UserId, number>();

  /** The position of the newest event; 0 when there is none. */
  get newest(): number {
    return this.#positions.at(-1) ?? 0;
  }

  /** The newest event of a sender: whoever writes in a thread has read what is before. */
  newestOf(sender: UserId): number {
    return this.#newestBySender.get(sender) ?? 0;
  }

  /** Takes in an event that is newer than all before. */
  push({ position, sender, flags, notified, highlighted }: NotifyingEvent): void {
    this.#groupNotified.push((this.#groupNotified.at(-1) ?? 0) + ((flags & GROUP_NOTIFIED) === 0 ? 0 : 1));
    this.#groupHighlighted.push((this.#groupHighlighted.at(-1) ?? 0) + ((flags & GROUP_HIGHLIGHTED) === 0 ? 0 : 1));
    this.#positions.push(position);
    this.#senders.push(sender);
    this.#newestBySender.set(sender, position);
    for (const userId of notified) append(this.#notified, userId, position);
    for (const userId of highlighted) append(this.#highlighted, userId, position);
  }

  /** What is unread for a reader who has read up to a position. */
  countAfter(read: number, reader: CountingReader): UnreadCount {
    if (this.newest <= read) return NOTHING_UNREAD;
    const from = firstAbove(this.#positions, read);
    const until =
      reader.groupUntil >= this.newest ? this.#positions.length : firstAbove(this.#positions, reader.groupUntil);
    return {
      notificationCount: this.#count(reader, { from, until, read, sums: this.#groupNotified, single: this.#notified }),
      highlightCount: this.#count(reader, {
        from,
        until,
        read,
        sums: this.#groupHighlighted,
        single: this.#highlighted,
      }),
    };
  }

  #count({ userId, ignored }: CountingReader, range: CountRange): number {
    const { from, until, sums } = range;
    const single = range.single.get(userId);
    const own = single === undefined ? [] : single.slice(firstAbove(single, range.read));
    if (ignored.size === 0) return Math.max(0, sumUpTo(sums, until) - sumUpTo(sums, from)) + own.length;
    let count = own.filter((position) => !ignored.has(this.#senderAt(position))).length;
    for (let index = from; index < until; index++) {
      if (!ignored.has(this.#senders[index]!)) count += sumUpTo(sums, index + 1) - sumUpTo(sums, index);
    }
    return count;
  }

  #senderAt(position: number): UserId {
    return this.#senders[firstAbove(this.#positions, position) - 1]!;
  }
}

interface CountRange {
  /** Indexes of the group's events: from (inclusive), until (exclusive). */
  readonly from: number;
  readonly until: number;
  /** The position up to which is read. */
  readonly read: number;
  readonly sums: readonly number[];
  readonly single: ReadonlyMap<UserId, readonly number[]>;
}

function sumUpTo(sums: readonly number[], index: number): number {
  return index === 0 ? 0 : sums[index - 1]!;
}

function append(map: Map<UserId, number[]>, userId: UserId, position: number): void {
  const positions = map.get(userId);
  if (positions === undefined) map.set(userId, [position]);
  else positions.push(position);
}

/** The index of the first number above a limit, in ascending numbers. */
function firstAbove(positions: readonly number[], limit: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
