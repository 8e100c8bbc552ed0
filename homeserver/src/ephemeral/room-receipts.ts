// The receipts of one room in memory: everyone's newest, what changed since a position, and how far a reader has read.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { Receipt, ReceiptType } from './receipt.store.ts';
import { encodeReceiptEvents } from './receipt-events.ts';
import { type LoggedReceipt, ReceiptLog } from './receipt-log.ts';

/** How far one person has read, as positions of events: public and private receipts taken together. */
export interface ReadMarkers {
  /** The whole room, whatever the thread. */
  readonly unthreaded: number;
  /** Further on in single threads: by root, or `main`. */
  readonly threads: ReadonlyMap<string, number>;
}

const NOTHING_READ: ReadMarkers = { unthreaded: 0, threads: new Map() };
export type ReceiptKey = Pick<Receipt, 'userId' | 'type' | 'thread'>;

const keyOf = ({ userId, type, thread }: ReceiptKey) => `${type} ${thread} ${userId}`;

/** The one who may see a receipt, or null where everyone may: private ones are for oneself, delivered ones for the sender. */
export function readerOf({ type, userId, thread }: Receipt): UserId | null {
  if (type === 'm.read') return null;
  return type === 'm.read.private' ? userId : (thread as UserId);
}

export class RoomReceipts {
  readonly #current = new Map<string, LoggedReceipt>();
  readonly #forAll = new ReceiptLog();
  readonly #forOne = new Map<UserId, ReceiptLog>();
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
    return this.#current.get(keyOf({ userId, type, thread }))?.receipt;
  }

  /** How far the user has read. */
  markersOf(userId: UserId): ReadMarkers {
    return this.#markers.get(userId) ?? NOTHING_READ;
  }

  /** Reserves the move to an event; false when a receipt for it or a later one is there or on its way. */
  claim(key: ReceiptKey, eventPosition: number): boolean {
    const name = keyOf(key);
    const present = this.#claimed.get(name) ?? this.#current.get(name)?.receipt.eventPosition;
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
    if (present !== undefined && present.receipt.eventPosition >= receipt.eventPosition) return;
    const entry = { receipt, isReplaced: false };
    // The key holds all that says who may see it: the one before is in the same log.
    const log = this.#logOf(receipt);
    this.#current.set(name, entry);
    log.add(entry);
    if (present !== undefined) log.replace(present);
    this.#mark(receipt);
  }

  /** The receipts above a position that the reader may see, in the order of positions; 0 gives all. */
  since(after: number, readerId: UserId): Receipt[] {
    const own = this.#forOne.get(readerId)?.since(after) ?? [];
    return [...this.#forAll.since(after), ...own].sort((left, right) => left.position - right.position);
  }

  /**
   * The same as m.receipt events, each as JSON text, ready for `ephemeral.events`. What everyone sees is encoded once
   * for all readers that come from the same position.
   */
  eventsSince(after: number, readerId: UserId): readonly string[] {
    const own = this.#forOne.get(readerId)?.since(after) ?? [];
    const shared = this.#sharedSince(after);
    return own.length === 0 ? shared : [...shared, ...encodeReceiptEvents(own)];
  }

  #sharedSince(after: number): readonly string[] {
    const receipts = this.#forAll.since(after);
    const newest = receipts.at(-1)?.position;
    if (newest === undefined) return [];
    if (this.#shared?.after !== after || this.#shared.newest !== newest) {
      this.#shared = { after, newest, texts: encodeReceiptEvents(receipts) };
    }
    return this.#shared.texts;
  }

  #logOf(receipt: Receipt): ReceiptLog {
    const readerId = readerOf(receipt);
    if (readerId === null) return this.#forAll;
    let log = this.#forOne.get(readerId);
    if (log === undefined) {
      log = new ReceiptLog();
      this.#forOne.set(readerId, log);
    }
    return log;
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
