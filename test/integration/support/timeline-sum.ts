// What a client has of a room when it adds up its syncs and fills the gaps by /messages.
import { type Person, v3 } from './api-client.ts';
import type { ClientEvent, SyncBody } from './sync-body.ts';

interface MessagesBody {
  readonly chunk: ClientEvent[];
  readonly end?: string;
}

const PAGE_EVENTS = 100;

export class TimelineSum {
  readonly events: ClientEvent[] = [];
  readonly #known = new Set<string>();
  /** Events that came twice. */
  readonly doubled: string[] = [];
  gaps = 0;
  readonly #person: Person;
  readonly #roomId: string;

  constructor(person: Person, roomId: string) {
    this.#person = person;
    this.#roomId = roomId;
  }

  /** Adds a sync's part of the room. Bodies have to be added in their order. */
  async add(body: SyncBody): Promise<void> {
    const timeline = body.rooms?.join?.[this.#roomId]?.timeline;
    if (timeline === undefined) return;
    if (timeline.limited && this.events.length > 0) await this.#fill(timeline.prev_batch);
    this.#append(timeline.events);
  }

  async #fill(from: string): Promise<void> {
    this.gaps++;
    const missed: ClientEvent[] = [];
    for (let token: string | undefined = from; token !== undefined; ) {
      const page: MessagesBody = await readMessages(this.#person, this.#roomId, token);
      const known = page.chunk.findIndex((event) => this.#known.has(event.event_id));
      missed.push(...(known < 0 ? page.chunk : page.chunk.slice(0, known)));
      token = known < 0 ? page.end : undefined;
    }
    this.#append(missed.reverse());
  }

  #append(events: readonly ClientEvent[]): void {
    for (const event of events) {
      if (this.#known.has(event.event_id)) this.doubled.push(event.event_id);
      this.#known.add(event.event_id);
      this.events.push(event);
    }
  }
}

/** All events of a room that a person may see, oldest first. */
export async function readWholeRoom(person: Person, roomId: string): Promise<ClientEvent[]> {
  const events: ClientEvent[] = [];
  for (let token: string | undefined = ''; token !== undefined; ) {
    const page: MessagesBody = await readMessages(person, roomId, token);
    events.push(...page.chunk);
    token = page.end;
  }
  return events.reverse();
}

function readMessages(person: Person, roomId: string, from: string): Promise<MessagesBody> {
  const query = { dir: 'b', limit: PAGE_EVENTS, from: from || undefined };
  return person.ok<MessagesBody>('GET', v3`/rooms/${roomId}/messages`, undefined, { query });
}
