// The newest durable changes in memory: which rooms, and whose own data, moved since a position. What an incremental
// sync looks at first, so that it costs what changed and not what one has joined.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { Notifier } from '../streams/notifier.ts';

/** Entries kept; a client that is further behind is answered from the database. */
export const MAX_LOGGED_CHANGES = 20_000;

export type LoggedKind = 'room' | 'receipt' | 'membership' | 'accountData' | 'profile' | 'device' | 'userSignature';

export interface LoggedChange {
  readonly position: number;
  readonly kind: LoggedKind;
  readonly roomId: RoomId | null;
  /** Whose membership or devices they are; else set where only this user may hear of it. */
  readonly userId: UserId | null;
  /** A membership: whether the user was in the room, and is. */
  readonly stay?: { readonly before: boolean; readonly after: boolean };
  /** A user signature: whose key was signed. */
  readonly targetUserId?: UserId;
}

export class ChangeLog {
  #entries: LoggedChange[] = [];
  #completeAfter: number;

  /** `position`: the newest durable one at start; nothing before it is known here. */
  constructor(notifier: Notifier, position: number) {
    this.#completeAfter = position;
    notifier.on('room', ({ position, roomId }) => this.#add({ position, kind: 'room', roomId, userId: null }));
    notifier.on('membership', ({ position, roomId, userId, membership, previous }) => {
      const stay = { before: previous === 'join', after: membership === 'join' };
      this.#add({ position, kind: 'membership', roomId, userId, stay });
    });
    notifier.on('receipt', ({ position, roomId, userId, isPrivate }) =>
      this.#add({ position, kind: 'receipt', roomId, userId: isPrivate ? userId : null }),
    );
    notifier.on('accountData', ({ position, roomId, userId }) =>
      this.#add({ position, kind: 'accountData', roomId, userId }),
    );
    notifier.on('device', ({ position, userId }) => this.#add({ position, kind: 'device', roomId: null, userId }));
    notifier.on('userSignature', ({ position, userId, targetUserId }) =>
      this.#add({ position, kind: 'userSignature', roomId: null, userId, targetUserId }),
    );
  }

  /** The changes after a position, oldest first; null when some of them are no longer here. */
  since(position: number): readonly LoggedChange[] | null {
    if (position < this.#completeAfter) return null;
    return this.#entries.slice(this.#firstAbove(position));
  }

  #add(entry: LoggedChange): void {
    this.#entries.push(entry);
    if (this.#entries.length < 2 * MAX_LOGGED_CHANGES) return;
    const dropped = this.#entries.splice(0, MAX_LOGGED_CHANGES);
    this.#completeAfter = dropped.at(-1)?.position ?? this.#completeAfter;
  }

  /** The index of the first entry above a position: commits tell their changes in the order of positions. */
  #firstAbove(position: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
