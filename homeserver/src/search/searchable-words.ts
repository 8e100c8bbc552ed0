// Keeps the index up with the stream of events: after their commits, many in one write, so that sending waits for none of it.
// What a crash leaves out is read again from the position that was saved last.
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import type { ClientRooms } from '../rooms/client-rooms.ts';
import { listEventsByArrival, listEventsById } from '../rooms/event.store.ts';
import type { EventObserver } from '../rooms/persist-event.ts';
import { listReplacements } from '../rooms/related-event.store.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { editedBy, entryOf, textOf, wordsChangeOf } from './searchable.ts';
import {
  deleteEntries,
  findSearchPosition,
  insertEntries,
  listRoomsNewerThan,
  type SearchEntry,
  saveSearchPosition,
  updateWords,
  type WordsChange,
} from './searchable-words.store.ts';
import { wordsOf } from './words.ts';

/** Changes that wait in memory; with more, the index is brought up from the database instead. */
export const MAX_WAITING_CHANGES = 20_000;
const FLUSH_DELAY_MS = 1_000;
const FLUSH_AT_CHANGES = 500;
const ROOMS_PER_PAGE = 100;
const EVENTS_PER_PAGE = 500;
/** Edits of one message that are looked at for the newest valid one. */
const MAX_EDITS = 50;

interface EventName {
  readonly roomId: RoomId;
  readonly eventId: EventId;
}

interface Changes {
  entries: SearchEntry[];
  edits: WordsChange[];
  gone: EventName[];
  /** Messages of which an edit was redacted: their words are worked out anew. */
  reread: EventName[];
}

const noChanges = (): Changes => ({ entries: [], edits: [], gone: [], reread: [] });
const sizeOf = ({ entries, edits, gone, reread }: Changes) =>
  entries.length + edits.length + gone.length + reread.length;

export class SearchIndex {
  readonly #rooms: ClientRooms;
  #changes = noChanges();
  /** The newest position that the changes in memory reach. */
  #seen = 0;
  #isBehind = true;
  #running: Promise<void> | null = null;
  #timer: { cancel(): void } | null = null;
  #isClosed = false;

  constructor(rooms: ClientRooms) {
    this.#rooms = rooms;
  }

  readonly observer: EventObserver = (_room, { event, redacts }) => {
    this.#seen = event.position;
    this.#note(event, redacts);
    if (sizeOf(this.#changes) > MAX_WAITING_CHANGES) {
      this.#changes = noChanges();
      this.#isBehind = true;
    }
    this.#schedule(sizeOf(this.#changes) >= FLUSH_AT_CHANGES ? 0 : FLUSH_DELAY_MS);
  };

  /** Reads what the last run left out, in the background. */
  start(): void {
    this.#schedule(0);
  }

  /** Resolves when all that is committed can be found. */
  async settled(): Promise<void> {
    await this.#running;
    await this.#flush();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
    if (!this.#isBehind) await this.#flush();
  }

  #note(event: StoredEvent, redacts: StoredEvent | null): void {
    const { roomId } = event;
    const entry = entryOf(event);
    if (entry !== null) this.#changes.entries.push(entry);
    const edit = wordsChangeOf(event);
    if (edit !== null) this.#changes.edits.push(edit);
    if (redacts === null) return;
    this.#changes.gone.push({ roomId, eventId: redacts.eventId });
    const edited = editedBy(redacts);
    if (edited !== null) this.#changes.reread.push({ roomId, eventId: edited });
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed || (this.#timer !== null && delayMs > 0)) return;
    this.#timer?.cancel();
    this.#timer = this.#rooms.clock.setTimeout(() => {
      this.#timer = null;
      this.#flush().catch((error: unknown) => {
        this.#rooms.logger.warn({ error: String(error) }, 'the search index waits for the database');
        this.#schedule(FLUSH_DELAY_MS);
      });
    }, delayMs);
  }

  #flush(): Promise<void> {
    this.#running ??= this.#write().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #write(): Promise<void> {
    if (this.#isBehind) await this.#catchUp();
    if (sizeOf(this.#changes) === 0) return;
    const changes = this.#changes;
    const seen = this.#seen;
    this.#changes = noChanges();
    try {
      await this.#apply(changes, seen);
    } catch (error) {
      this.#isBehind = true;
      throw error;
    }
  }

  async #apply(changes: Changes, position: number | null): Promise<void> {
    const { database } = this.#rooms;
    await database.transaction(async (transaction) => {
      await insertEntries(transaction, changes.entries);
      await updateWords(transaction, changes.edits);
      await deleteEntries(transaction, changes.gone);
      if (position !== null) await saveSearchPosition(transaction, position);
    });
    for (const name of changes.reread) await this.#reread(name);
  }

  /** The words of a message's newest remaining edit, or its own. */
  async #reread({ roomId, eventId }: EventName): Promise<void> {
    const { database, rooms } = this.#rooms;
    const room = await rooms.find(roomId);
    const [parent] = room === null ? [] : await listEventsById(database, room, [eventId]);
    if (room === null || parent === undefined || parent.redactedBy !== null) return;
    const edits = await listReplacements(database, room, { parent, until: Number.MAX_SAFE_INTEGER, limit: MAX_EDITS });
    const newest = edits.map(wordsChangeOf).find((change) => change !== null);
    const words = newest?.words ?? wordsOf(textOf(parent.content, 'content.body') ?? '');
    const change = { roomId, eventId, sender: parent.sender, words };
    await database.transaction((transaction) => updateWords(transaction, [change]));
  }

  async #catchUp(): Promise<void> {
    const { database, streamWriter } = this.#rooms;
    const since = await findSearchPosition(database);
    const until = streamWriter.position;
    // What is committed from here on is noted by the observer.
    this.#isBehind = false;
    try {
      for (let after = ''; ; ) {
        const roomIds = await listRoomsNewerThan(database, { position: since, after, limit: ROOMS_PER_PAGE });
        for (const roomId of roomIds) await this.#readRoom(roomId, { since, until });
        const last = roomIds.at(-1);
        if (last === undefined || this.#isClosed) break;
        after = last;
      }
      if (this.#isClosed) throw new Error('the server stops');
      await database.transaction((transaction) => saveSearchPosition(transaction, until));
    } catch (error) {
      this.#isBehind = true;
      if (!this.#isClosed) throw error;
    }
  }

  async #readRoom(roomId: RoomId, { since, until }: { since: number; until: number }): Promise<void> {
    const { database, rooms } = this.#rooms;
    const room = await rooms.find(roomId);
    if (room === null) return;
    for (let upTo = until; upTo > since && !this.#isClosed; ) {
      const page = await listEventsByArrival(database, room, { after: since, until: upTo, limit: EVENTS_PER_PAGE });
      const live = page.filter((event) => event.redactedBy === null);
      const changes = noChanges();
      for (const event of live) {
        const entry = entryOf(event);
        if (entry !== null) changes.entries.push(entry);
        const edited = editedBy(event);
        if (edited !== null) changes.reread.push({ roomId, eventId: edited });
      }
      changes.gone = page.filter((event) => event.redactedBy !== null).map(({ eventId }) => ({ roomId, eventId }));
      for (const redaction of page.filter((event) => event.type === 'm.room.redaction')) {
        const redacts = redaction.json['redacts'] ?? redaction.content['redacts'];
        if (typeof redacts === 'string') changes.gone.push(...(await this.#goneBy(roomId, redacts as EventId)));
      }
      await this.#apply(changes, null);
      const oldest = page.at(-1);
      if (oldest === undefined || page.length < EVENTS_PER_PAGE) break;
      upTo = oldest.position - 1;
    }
  }

  /** What a redaction that is read again took, if it holds. */
  async #goneBy(roomId: RoomId, eventId: EventId): Promise<EventName[]> {
    const room = await this.#rooms.rooms.find(roomId);
    const [target] = room === null ? [] : await listEventsById(this.#rooms.database, room, [eventId]);
    if (target === undefined || target.redactedBy === null) return [];
    const edited = editedBy(target);
    if (edited !== null) await this.#reread({ roomId, eventId: edited });
    return [{ roomId, eventId }];
  }
}
