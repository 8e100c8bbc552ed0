// How much memory the bytes of others may hold at a time: by address, so that one who sends slowly, or asks and does not
// read, takes nobody else's share, and in all.
import { addressGroup } from './client-address.ts';

const MEBIBYTE = 1024 * 1024;

export interface ByteLimits {
  readonly perAddressBytes: number;
  readonly totalBytes: number;
}

/** Request bodies, from their first byte until their request is answered. */
export const BODY_LIMITS: ByteLimits = { perAddressBytes: 16 * MEBIBYTE, totalBytes: 64 * MEBIBYTE };
/** Answers that their clients have not taken yet. */
export const ANSWER_LIMITS: ByteLimits = { perAddressBytes: 64 * MEBIBYTE, totalBytes: 256 * MEBIBYTE };

/** One request's part. */
export interface ByteShare {
  /** Takes more, or takes nothing and says false where the address, or all together, hold too much already. */
  take(bytes: number): boolean;
  /** Gives everything back. */
  release(): void;
}

export class ByteBudget {
  readonly #limits: ByteLimits;
  readonly #byAddress = new Map<string, number>();
  #held = 0;

  constructor(limits: ByteLimits) {
    this.#limits = limits;
  }

  get heldBytes(): number {
    return this.#held;
  }

  /** A share that holds nothing yet. */
  open(address: string): ByteShare {
    let held = 0;
    let group: string | undefined;
    return {
      take: (bytes) => {
        group ??= addressGroup(address);
        const ofAddress = (this.#byAddress.get(group) ?? 0) + bytes;
        const { perAddressBytes, totalBytes } = this.#limits;
        if (ofAddress > perAddressBytes || this.#held + bytes > totalBytes) return false;
        this.#byAddress.set(group, ofAddress);
        this.#held += bytes;
        held += bytes;
        return true;
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
