// Receipts that one audience sees, in the order of their positions: what came since a position, found without looking at more.
import type { Receipt } from './receipt.store.ts';

/** A receipt, and whether a later one of its kind has replaced it. */
export interface LoggedReceipt {
  readonly receipt: Receipt;
  isReplaced: boolean;
}

/** Replaced entries that the log may hold beyond as many as there are others. */
const SLACK_ENTRIES = 256;

export class ReceiptLog {
  #entries: LoggedReceipt[] = [];
  #replaced = 0;

  /** Takes in a receipt; positions come in order. */
  add(entry: LoggedReceipt): void {
    this.#entries.push(entry);
  }

  /** Marks an entry of this log as outdated. */
  replace(entry: LoggedReceipt): void {
    entry.isReplaced = true;
    this.#replaced++;
    if (this.#replaced <= this.#entries.length / 2 + SLACK_ENTRIES) return;
    this.#entries = this.#entries.filter(({ isReplaced }) => !isReplaced);
    this.#replaced = 0;
  }

  /** Those above a position that still hold, oldest first. */
  since(position: number): Receipt[] {
    const found: Receipt[] = [];
    for (let index = this.#firstAbove(position); index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry !== undefined && !entry.isReplaced) found.push(entry.receipt);
    }
    return found;
  }

  #firstAbove(position: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.receipt.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
