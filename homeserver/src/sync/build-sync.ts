// The one engine behind long-poll, sliding sync and socket: what is new for a device since a place in the stream.
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { formatStreamToken, type StreamToken } from '../streams/stream-token.ts';
import { findChangedRooms } from './changed-rooms.ts';
import { encodeDeviceLists, readDevice } from './encode-device.ts';
import { encodeRooms } from './encode-rooms.ts';
import { encodeAccountData } from './joined-room.ts';
import type { SyncDependencies, SyncRequest, SyncScope } from './sync-request.ts';
import type { AccountDataEntry } from './sync-sources.ts';

export interface SyncResult {
  /** The body of the answer, as JSON text. */
  readonly text: string;
  readonly next: StreamToken;
  /** True when there is nothing to tell: a long-poll waits on. */
  readonly isEmpty: boolean;
}

/** The token that is really meant: null for none, and for one from the future, which is answered like none. */
export function readSince(dependencies: SyncDependencies, since: StreamToken | null): StreamToken | null {
  return since !== null && since.position > dependencies.streamWriter.position ? null : since;
}

/** Builds the answer as of the newest commit. */
export async function buildSync(dependencies: SyncDependencies, request: SyncRequest): Promise<SyncResult> {
  const { clock, meter } = dependencies;
  if (meter === undefined) return build(dependencies, request);
  const startedMs = clock.monotonic();
  const result = await build(dependencies, request);
  meter.built((clock.monotonic() - startedMs) / 1000);
  return result;
}

async function build(dependencies: SyncDependencies, request: SyncRequest): Promise<SyncResult> {
  const { sources } = dependencies;
  const ignored = sources.ignoredUsers(request.userId);
  const scope = await lookUp(dependencies, request, ignored instanceof Promise ? await ignored : ignored);
  const { until, volatileUntil } = scope;
  const changed = await findChangedRooms(dependencies, scope);
  const accountData = await readAccountData(dependencies, scope);
  for (const roomId of accountData.byRoom.keys()) changed.add(roomId);
  const rooms = await encodeRooms(dependencies, scope, { changed, accountData: accountData.byRoom });
  const presence = await encodePresence(dependencies, scope);
  const device = await readDevice(dependencies, scope);
  const deviceLists = await encodeDeviceLists(dependencies, scope);
  const next = {
    ...{ position: until, boot: sources.boot, volatilePosition: volatileUntil },
    ...(device.toDevicePosition !== null && { toDevicePosition: device.toDevicePosition }),
  };
  const members = [`"next_batch":"${formatStreamToken(next)}"`];
  if (accountData.global.length > 0) members.push(`"account_data":{"events":${encodeAccountData(accountData.global)}}`);
  if (presence !== null) members.push(`"presence":{"events":${presence}}`);
  if (rooms !== null) members.push(`"rooms":${rooms}`);
  if (device.toDevice !== null) members.push(`"to_device":{"events":${device.toDevice}}`);
  if (deviceLists !== null) members.push(`"device_lists":${deviceLists}`);
  const isEmpty = members.length === 1 && !device.hasNewCounts;
  members.push(`"device_one_time_keys_count":${device.oneTimeText}`);
  members.push(`"device_unused_fallback_key_types":${device.fallbackText}`);
  return { text: `{${members.join(',')}}`, next, isEmpty };
}

/** Takes the position and the user's rooms of the same moment: nothing is waited for between them. */
async function lookUp(
  { sources, streamWriter, clock, userRooms: cache }: SyncDependencies,
  request: SyncRequest,
  ignored: ReadonlySet<string>,
): Promise<SyncScope> {
  let userRooms = cache.peek(request.userId);
  if (userRooms === undefined) {
    userRooms = await cache.load(request.userId);
    for (const { position } of userRooms.values()) {
      if (position > streamWriter.position) await streamWriter.reached(position);
    }
    userRooms = cache.peek(request.userId) ?? userRooms;
  }
  const [until, volatileUntil] = [streamWriter.position, sources.volatilePosition()];
  return { request, until, volatileUntil, now: clock.now(), ignored, userRooms };
}

interface AccountData {
  readonly global: readonly AccountDataEntry[];
  readonly byRoom: ReadonlyMap<RoomId, readonly AccountDataEntry[]>;
}

async function readAccountData({ sources }: SyncDependencies, { request, until }: SyncScope): Promise<AccountData> {
  const after = request.fullState ? 0 : (request.since?.position ?? 0);
  const found = sources.accountDataSince(request.userId, { after, until });
  const entries = found instanceof Promise ? await found : found;
  if (entries.length === 0) return NOTHING;
  const global: AccountDataEntry[] = [];
  const byRoom = new Map<RoomId, AccountDataEntry[]>();
  for (const entry of entries) {
    if (entry.roomId === null) {
      if (request.filter.accountData.passes({ type: entry.type, content: {} })) global.push(entry);
      continue;
    }
    const ofRoom = byRoom.get(entry.roomId);
    if (ofRoom === undefined) byRoom.set(entry.roomId, [entry]);
    else ofRoom.push(entry);
  }
  return { global, byRoom };
}

const NOTHING: AccountData = { global: [], byRoom: new Map() };

/** Presence as a JSON array, or null for none. */
async function encodePresence({ sources }: SyncDependencies, { request, ignored }: SyncScope): Promise<string | null> {
  const { since, filter, userId } = request;
  const seen = since !== null && since.boot === sources.boot ? since.volatilePosition : 0;
  const found = sources.presenceSince(userId, seen);
  const entries = found instanceof Promise ? await found : found;
  const told = entries.filter(
    (entry) =>
      !ignored.has(entry.userId) && filter.presence.passes({ type: 'm.presence', sender: entry.userId, content: {} }),
  );
  if (told.length === 0) return null;
  return `[${told.map((entry) => entry.text).join(',')}]`;
}
