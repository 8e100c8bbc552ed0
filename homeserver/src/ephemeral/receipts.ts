// Receipts of the hot rooms, and how they are moved: checked in memory, written with the stream, shown after the commit.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Reader } from '@carillon/platform/database/database.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { listReceipts, type Receipt, type ReceiptType, receiptTable } from './receipt.store.ts';
import { RoomReceipts } from './room-receipts.ts';

export interface ReceiptDependencies {
  readonly database: Reader;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly clock: Clock;
}

export interface ReceiptMove {
  readonly userId: UserId;
  readonly type: ReceiptType;
  /** As in Receipt. */
  readonly thread: string;
  readonly eventId: EventId;
  readonly eventPosition: number;
}

/** Receipts kept in memory across all rooms; one takes about 400 bytes. */
const MAX_RECEIPTS = 500_000;
const MAX_ROOMS = 20_000;

interface Loading {
  readonly receipts: Promise<RoomReceipts>;
  /** What was committed while the query ran. */
  readonly committed: Receipt[];
}

export class Receipts {
  readonly #dependencies: ReceiptDependencies;
  readonly #rooms = new LruMap<RoomId, RoomReceipts>({
    max: MAX_ROOMS,
    maxSize: MAX_RECEIPTS,
    sizeCalculation: (receipts) => 1 + receipts.size,
  });
  readonly #loading = new Map<RoomId, Loading>();

  constructor(dependencies: ReceiptDependencies) {
    this.#dependencies = dependencies;
  }

  /** The room's receipts if they are in memory. */
  peek(roomId: RoomId): RoomReceipts | undefined {
    return this.#rooms.get(roomId);
  }

  /** The room's receipts; one query if they are not in memory. */
  load(roomId: RoomId): Promise<RoomReceipts> {
    const present = this.#rooms.get(roomId);
    if (present !== undefined) return Promise.resolve(present);
    let loading = this.#loading.get(roomId);
    if (loading === undefined) {
      const committed: Receipt[] = [];
      loading = { committed, receipts: this.#read(roomId, committed).finally(() => this.#loading.delete(roomId)) };
      this.#loading.set(roomId, loading);
    }
    return loading.receipts;
  }

  /** Moves receipts of a room on, all or none, and resolves when they are durable. What would go back is left out. */
  async move(roomId: RoomId, moves: readonly ReceiptMove[]): Promise<void> {
    const room = await this.load(roomId);
    const claimed = moves.filter((move) => room.claim(move, move.eventPosition));
    if (claimed.length === 0) return;
    const ts = this.#dependencies.clock.now();
    const at = (firstPosition: number) =>
      claimed.map((move, index): Receipt => ({ ...move, ts, position: firstPosition + index }));
    const release = () => {
      for (const move of claimed) room.release(move, move.eventPosition);
    };
    await this.#dependencies.streamWriter.write({
      lane: `receipts of ${roomId}`,
      positions: claimed.length,
      rows: (collector, firstPosition) => {
        for (const receipt of at(firstPosition)) collector.add(receiptTable, { ...receipt, roomId });
      },
      committed: (firstPosition) => {
        for (const receipt of at(firstPosition)) this.#committed(roomId, receipt);
        release();
      },
      failed: release,
    });
  }

  #committed(roomId: RoomId, receipt: Receipt): void {
    this.#loading.get(roomId)?.committed.push(receipt);
    this.#rooms.peek(roomId)?.apply(receipt);
    const isPrivate = receipt.type !== 'm.read';
    // A delivered receipt is for the sender of the messages, whose id stands in `thread`.
    const userId = receipt.type === 'io.carillon.delivered' ? (receipt.thread as UserId) : receipt.userId;
    this.#dependencies.notifier.emit({ kind: 'receipt', position: receipt.position, roomId, userId, isPrivate });
  }

  async #read(roomId: RoomId, committed: readonly Receipt[]): Promise<RoomReceipts> {
    const room = new RoomReceipts(await listReceipts(this.#dependencies.database, roomId));
    for (const receipt of committed) room.apply(receipt);
    this.#rooms.set(roomId, room);
    return room;
  }
}
