// One count of volatile changes (typing, presence) for the whole process. It starts anew with each boot, so a sync token
// carries the boot's id beside it.
import type { Random } from '@carillon/platform/random.ts';

const BOOT_ID_BYTES = 6;

export class VolatilePosition {
  /** Names this boot: positions of another one mean nothing here. */
  readonly bootId: string;
  #current = 0;

  constructor(random: Random) {
    this.bootId = random.token(BOOT_ID_BYTES);
  }

  /** The newest change's position; 0 before the first. */
  get current(): number {
    return this.#current;
  }

  /** The position for the next change. */
  advance(): number {
    this.#current += 1;
    return this.#current;
  }
}
