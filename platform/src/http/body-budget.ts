// How much memory request bodies may hold at a time, from their first byte until their request is answered: by address, so
// that one who sends slowly or floods takes nobody else's share, and in all.
import { limitExceeded } from '@carillon/protocol/matrix-error.ts';
import { addressGroup } from './client-address.ts';

const MEBIBYTE = 1024 * 1024;
export const MAX_HELD_BYTES = 64 * MEBIBYTE;
export const MAX_HELD_BYTES_PER_ADDRESS = 16 * MEBIBYTE;
const RETRY_MS = 1_000;

/** One request's part. */
export interface BodyShare {
  /** Throws M_LIMIT_EXCEEDED where the address, or all together, hold too much already. */
  take(bytes: number): void;
  /** Gives everything back; to be called once the request is answered. */
  release(): void;
}

export class BodyBudget {
  readonly #byAddress = new Map<string, number>();
  #held = 0;

  get heldBytes(): number {
    return this.#held;
  }

  /** A share that holds nothing yet. */
  open(address: string): BodyShare {
    let held = 0;
    let group: string | undefined;
    return {
      take: (bytes) => {
        group ??= addressGroup(address);
        const ofAddress = (this.#byAddress.get(group) ?? 0) + bytes;
        if (ofAddress > MAX_HELD_BYTES_PER_ADDRESS || this.#held + bytes > MAX_HELD_BYTES)
          throw limitExceeded(RETRY_MS);
        this.#byAddress.set(group, ofAddress);
        this.#held += bytes;
        held += bytes;
      },
      release: () => {
        if (group === undefined || held === 0) return;
        const left = (this.#byAddress.get(group) ?? 0) - held;
        if (left > 0) this.#byAddress.set(group, left);
        else this.#byAddress.delete(group);
        this.#held -= held;
        held = 0;
      },
    };
  }
}
