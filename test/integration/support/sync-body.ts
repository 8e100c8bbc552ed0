// What tests read in the body of a /sync.
import type { JsonObject } from '@carillon/protocol/json.ts';

export interface ClientEvent {
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly event_id: string;
  readonly origin_server_ts: number;
  readonly state_key?: string;
  readonly room_id?: string;
  readonly redacts?: string;
  readonly unsigned?: JsonObject;
}

export interface JoinedRoom {
  readonly timeline: { readonly events: ClientEvent[]; readonly limited: boolean; readonly prev_batch: string };
  readonly state?: { readonly events: ClientEvent[] };
  readonly state_after?: { readonly events: ClientEvent[] };
  readonly 'org.matrix.msc4222.state_after'?: { readonly events: ClientEvent[] };
  readonly ephemeral: { readonly events: ClientEvent[] };
  readonly account_data: { readonly events: ClientEvent[] };
  readonly summary?: JsonObject;
  readonly unread_notifications: { readonly notification_count: number; readonly highlight_count: number };
  readonly unread_thread_notifications?: Record<string, { notification_count: number; highlight_count: number }>;
}

export interface SyncBody {
  readonly next_batch: string;
  readonly account_data?: { readonly events: ClientEvent[] };
  readonly presence?: { readonly events: ClientEvent[] };
  readonly rooms?: {
    readonly join?: Record<string, JoinedRoom>;
    readonly invite?: Record<string, { readonly invite_state: { readonly events: ClientEvent[] } }>;
    readonly knock?: Record<string, { readonly knock_state: { readonly events: ClientEvent[] } }>;
    readonly leave?: Record<string, Pick<JoinedRoom, 'timeline' | 'state'>>;
  };
}

/** The joined room of a sync; fails where it is absent. */
export function joinedRoom(body: SyncBody, roomId: string): JoinedRoom {
  const room = body.rooms?.join?.[roomId];
  if (room === undefined) throw new Error(`${roomId} is not among the joined rooms of ${JSON.stringify(body)}`);
  return room;
}

/** The texts of the messages in a room's timeline. */
export function textsOf(events: readonly ClientEvent[]): string[] {
  return events.filter(({ type }) => type === 'm.room.message').map(({ content }) => String(content['body']));
}
