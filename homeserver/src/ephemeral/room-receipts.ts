// The receipts of one room in memory: everyone's newest, what changed since a position, and how far a reader has read.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { Receipt, ReceiptType } from './receipt.store.ts';
import { encodeReceiptEvents } from './receipt-events.ts';

/** How far one person has read, as positions of events: public and private receipts taken together. */
export interface ReadMarkers {
  /** The whole room, whatever the thread. */
  readonly unthreaded: number;
  /** Further on in single threads: by root, or `main`. */
  readonly threads: ReadonlyMap<string, number>;
}

const NOTHING_READ: ReadMarkers = { unthreaded: 0, threads: new Map() };
/** Outdated entries that the log may hold beyond as many as there are current ones. */
const LOG_SLACK = 256;

export type ReceiptKey = Pick<Receipt, 'userId' | 'type' | 'thread'>;

const keyOf = ({ userId, type, thread }: ReceiptKey) => `${type} ${thread} ${userId}`;

/** True where the reader may see the receipt: private ones only his own, delivered ones only of his messages. */
export function isReceiptVisible(receipt: Receipt, readerId: UserId): boolean {
  if (receipt.type === 'm.read') return true;
  return (receipt.type === 'm.read.private' ? receipt.userId : receipt.thread) === readerId;
}

export class RoomReceipts {
  readonly #current = new Map<string, Receipt>();
  /** In the order of positions, with outdated ones between. */
  #log: Receipt[] = [];
  /** Positions of events that receipts on their way to the disk name. */
  readonly #claimed = new Map<string, number>();
  readonly #markers = new Map<UserId, { unthreaded: number; threads: Map<string, number> }>();
  #shared: { readonly after: number; readonly newest: number; readonly texts: readonly string[] } | null = null;

  /** `receipts` in the order of their positions. */
  constructor(receipts: readonly Receipt[]) {
    for (const receipt of receipts) this.apply(receipt);
  }

  /** How many receipts there are. */
  get size(): number {
    return this.#current.size;
  }

  /** The newest receipt of its kind. */
  find(userId: UserId, type: ReceiptType, thread: string): Receipt | undefined {
    return this.#current.get(keyOf({ userId, type, thread }));
  }

  /** How far the user has read. */
  markersOf(userId: UserId): ReadMarkers {
    return this.#markers.get(userId) ?? NOTHING_READ;
  }

  /** Reserves the move to an event; false when a receipt for it or a later one is there or on its way. */
  claim(key: ReceiptKey, eventPosition: number): boolean {
    const name = keyOf(key);
    const present = this.#claimed.get(name) ?? this.#current.get(name)?.eventPosition;
    if (present !== undefined && present >= eventPosition) return false;
    this.#claimed.set(name, eventPosition);
    return true;
  }

  /** Gives back what was claimed: the receipt was written or could not be. */
  release(key: ReceiptKey, eventPosition: number): void {
    const name = keyOf(key);
    if (this.#claimed.get(name) === eventPosition) this.#claimed.delete(name);
  }

  /** Takes in a durable receipt; positions come in order. Nothing happens when a later one is here already. */
  apply(receipt: Receipt): void {
    const name = keyOf(receipt);
    const present = this.#current.get(name);
    if (present !== undefined && present.eventPosition >= receipt.eventPosition) return;
    this.#current.set(name, receipt);
    this.#log.push(receipt);
    this.#mark(receipt);
    if (this.#log.length > 2 * this.#current.size + LOG_SLACK) {
      this.#log = this.#log.filter((entry) => this.#isCurrent(entry));
    }
  }

  /** The receipts above a position that the reader may see, in the order of positions; 0 gives all. */
  since(after: number, readerId: UserId): Receipt[] {
    return this.#after(after).filter((receipt) => isReceiptVisible(receipt, readerId));
  }

  /**
   * The same as m.receipt events, each as JSON text, ready for `ephemeral.events`. What everyone sees is encoded once
   * for all readers that come from the same position.
   */
  eventsSince(after: number, readerId: UserId): readonly string[] {
    const receipts = this.#after(after);
    if (receipts.length === 0) return [];
    const own = receipts.filter((receipt) => receipt.type !== 'm.read' && isReceiptVisible(receipt, readerId));
    const shared = this.#sharedSince(after, receipts);
    return own.length === 0 ? shared : [...shared, ...encodeReceiptEvents(own)];
  }

  #sharedSince(after: number, receipts: readonly Receipt[]): readonly string[] {
    const newest = receipts.at(-1)?.position ?? 0;
    if (this.#shared?.after !== after || this.#shared.newest !== newest) {
      const texts = encodeReceiptEvents(receipts.filter((receipt) => receipt.type === 'm.read'));
      this.#shared = { after, newest, texts };
    }
    return this.#shared.texts;
  }

  #after(after: number): Receipt[] {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle]?.position ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    return this.#log.slice(low).filter((receipt) => this.#isCurrent(receipt));
  }

  #isCurrent(receipt: Receipt): boolean {
    return this.#current.get(keyOf(receipt)) === receipt;
  }

  #mark({ userId, type, thread, eventPosition }: Receipt): void {
    if (type === 'io.carillon.delivered') return;
    let markers = this.#markers.get(userId);
    if (markers === undefined) {
      markers = { unthreaded: 0, threads: new Map() };
      this.#markers.set(userId, markers);
    }
    if (thread === '') markers.unthreaded = Math.max(markers.unthreaded, eventPosition);
    else markers.threads.set(thread, Math.max(markers.threads.get(thread) ?? 0, eventPosition));
  }
}
