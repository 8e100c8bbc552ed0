// What relates to an event, summed up in its `unsigned` (client-server API, "Aggregations of child events"): the newest edit,
// the thread, the references. Redacted events keep their thread only.
import type { Database } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject } from '@carillon/protocol/json.ts';
import { encodeClientEvent } from './client-event.ts';
import { decorateEvents } from './decorate-events.ts';
import { countThread, listParents, listRelated, listReplacements } from './related-event.store.ts';
import { readRelation } from './relation.store.ts';
import type { Room } from './room.ts';
import type { StoredEvent } from './stored-event.ts';
import { type VisibleEvent, viewEvents } from './visible-events.ts';

/** Edits, newest first, that are looked through for one that is valid and visible. */
const MAX_EDIT_CANDIDATES = 5;
const MAX_LATEST_CANDIDATES = 10;
/** References that are listed. */
export const MAX_BUNDLED_REFERENCES = 100;
/** Events of a page that are asked about at once. */
const PARALLEL_PARENTS = 8;
const REL_TYPES = ['m.replace', 'm.thread', 'm.reference'];

export interface BundleDependencies {
  readonly database: Database;
  readonly clock: { now(): number };
}

/** For whom relations are summed up; all of a Reading that is needed here. */
export interface BundleViewer {
  readonly room: Room;
  readonly userId: UserId;
  readonly deviceId: string | null;
  readonly until: number;
  readonly joinedUntil: number;
  readonly ignored: ReadonlySet<string>;
}

/** `m.relations` as JSON text by event id, for those of the events that have any. The events must be visible to the viewer. */
export async function bundleRelations(
  dependencies: BundleDependencies,
  viewer: BundleViewer,
  events: readonly StoredEvent[],
): Promise<ReadonlyMap<string, string>> {
  const bundles = new Map<string, string>();
  const messages = new Map(
    events.filter((event) => event.stateKey === undefined).map((event) => [event.eventId, event]),
  );
  if (messages.size === 0) return bundles;
  const parents = await listParents(dependencies.database, viewer.room, {
    parentIds: [...messages.keys()],
    relTypes: REL_TYPES,
  });
  const byParent = [...Map.groupBy(parents, (row) => row.parentId)];
  for (let start = 0; start < byParent.length; start += PARALLEL_PARENTS) {
    const some = byParent.slice(start, start + PARALLEL_PARENTS).map(async ([parentId, rows]) => {
      const parent = messages.get(parentId as StoredEvent['eventId']);
      if (parent === undefined) return;
      const text = await bundleOne(dependencies, viewer, parent, new Set(rows.map((row) => row.relType)));
      if (text !== null) bundles.set(parentId, text);
    });
    await Promise.all(some);
  }
  return bundles;
}

async function bundleOne(
  dependencies: BundleDependencies,
  viewer: BundleViewer,
  parent: StoredEvent,
  relTypes: ReadonlySet<string>,
): Promise<string | null> {
  const isWhole = parent.redactedBy === null;
  const parts = await Promise.all([
    isWhole && relTypes.has('m.replace') ? replacementOf(dependencies, viewer, parent) : null,
    relTypes.has('m.thread') ? threadOf(dependencies, viewer, parent) : null,
    isWhole && relTypes.has('m.reference') ? referencesOf(dependencies, viewer, parent) : null,
  ]);
  const present = parts.filter((part) => part !== null);
  return present.length === 0 ? null : `{${present.join(',')}}`;
}

async function visibleChildren(
  { database }: BundleDependencies,
  viewer: BundleViewer,
  children: readonly StoredEvent[],
): Promise<VisibleEvent[]> {
  const heard = children.filter((child) => !viewer.ignored.has(child.sender) || child.sender === viewer.userId);
  return viewEvents({ database }, viewer, heard);
}

async function encodeChild(
  { database, clock }: BundleDependencies,
  viewer: BundleViewer,
  { event, membership }: VisibleEvent,
  relations?: string,
): Promise<string> {
  await decorateEvents(database, viewer.room, [event], viewer);
  const { userId, deviceId } = viewer;
  return encodeClientEvent(event, { now: clock.now(), userId, deviceId, membership, withRoomId: true, relations });
}

async function replacementOf(
  dependencies: BundleDependencies,
  viewer: BundleViewer,
  parent: StoredEvent,
): Promise<string | null> {
  // An edit cannot be edited.
  if (readRelation(parent.content)?.relType === 'm.replace') return null;
  const { database } = dependencies;
  const { until, room } = viewer;
  const candidates = await listReplacements(database, room, { parent, until, limit: MAX_EDIT_CANDIDATES });
  const valid = candidates.filter((child) => child.stateKey === undefined && hasNewContent(child));
  const [newest] = await visibleChildren(dependencies, viewer, valid);
  return newest === undefined ? null : `"m.replace":${await encodeChild(dependencies, viewer, newest)}`;
}

/** Of an encrypted edit the server cannot tell. */
function hasNewContent(child: StoredEvent): boolean {
  return child.type === 'm.room.encrypted' || isJsonObject(child.content['m.new_content']);
}

async function threadOf(
  dependencies: BundleDependencies,
  viewer: BundleViewer,
  root: StoredEvent,
): Promise<string | null> {
  if (readRelation(root.content) !== null) return null;
  const { database } = dependencies;
  const { room, userId, until, ignored } = viewer;
  const [{ count, participated }, newest] = await Promise.all([
    countThread(database, room, { rootId: root.eventId, userId, ignored: [...ignored], until }),
    listRelated(database, room, {
      ...{ parentId: root.eventId, relType: 'm.thread', eventType: null, maxLevels: 1 },
      ...{ direction: 'b', from: null, until, limit: MAX_LATEST_CANDIDATES },
    }),
  ]);
  const [latest] = await visibleChildren(dependencies, viewer, newest);
  if (latest === undefined || count === 0) return null;
  const edit = await replacementOf(dependencies, viewer, latest.event);
  const latestText = await encodeChild(dependencies, viewer, latest, edit === null ? undefined : `{${edit}}`);
  const isIn = participated || root.sender === userId;
  return `"m.thread":{"latest_event":${latestText},"count":${count},"current_user_participated":${isIn}}`;
}

async function referencesOf(
  dependencies: BundleDependencies,
  viewer: BundleViewer,
  parent: StoredEvent,
): Promise<string | null> {
  const children = await listRelated(dependencies.database, viewer.room, {
    ...{ parentId: parent.eventId, relType: 'm.reference', eventType: null, maxLevels: 1 },
    ...{ direction: 'f', from: null, until: viewer.until, limit: MAX_BUNDLED_REFERENCES },
  });
  const visible = await visibleChildren(dependencies, viewer, children);
  if (visible.length === 0) return null;
  const chunk = visible.map(({ event }) => ({ event_id: event.eventId }));
  return `"m.reference":{"chunk":${JSON.stringify(chunk)}}`;
}
