// Files for admins.
import { type Caller, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/media-admin.ts';
import { forbidden, invalidParam } from '@carillon/protocol/matrix-error.ts';
import { requireMediaId, unknownMedia } from './find-file.ts';
import { findMedia, type MediaId } from './media.store.ts';
import {
  countMediaOfUser,
  deleteDeniedHash,
  insertDeniedHash,
  listDenied,
  listHashesOfUser,
  listMediaOfUser,
  listStatistics,
  type MediaRow,
  updateProtected,
} from './media-admin.store.ts';
import type { MediaDependencies } from './media-dependencies.ts';
import { deleteFiles, quarantineHash, quarantineOne, releaseFromQuarantine } from './quarantine.ts';
import { purgeUnused } from './retention.ts';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

function requireAdmin({ isAdmin }: Caller): void {
  if (!isAdmin) throw forbidden('Only an admin of the server may do this');
}

const idOf = (path: { readonly serverName: string; readonly mediaId: string }): MediaId => ({
  serverName: path.serverName,
  mediaId: requireMediaId(path.mediaId),
});

const pageOf = ({ from = 0, limit = DEFAULT_PAGE }: { from?: number; limit?: number }) => ({
  from,
  limit: Math.min(limit, MAX_PAGE),
});

const infoOf = (row: MediaRow) => ({
  media_id: row.mediaId,
  media_type: row.contentType,
  media_length: row.size === null ? null : Number(row.size),
  upload_name: row.fileName,
  created_ts: row.createdTs,
  last_access_ts: row.accessedTs,
  quarantined_by: row.quarantinedBy,
  safe_from_quarantine: row.isProtected,
});

export const mediaAdminRoutes = (dependencies: MediaDependencies): Handler[] => [
  ...oneFileRoutes(dependencies),
  ...userRoutes(dependencies),
  ...deniedRoutes(dependencies),
];

function oneFileRoutes(dependencies: MediaDependencies): Handler[] {
  const { database, serverName } = dependencies;
  const protect = async (auth: Caller, mediaId: string, isProtected: boolean) => {
    requireAdmin(auth);
    const id = { serverName, mediaId: requireMediaId(mediaId) };
    if (!(await database.transaction((transaction) => updateProtected(transaction, id, isProtected)))) {
      throw unknownMedia();
    }
    return {};
  };
  return [
    handle(contracts.getMediaInfo, async ({ auth, path }) => {
      requireAdmin(auth);
      const media = await findMedia(database, idOf(path));
      if (media === undefined) throw unknownMedia();
      const sha256 = media.sha256?.toString('hex') ?? null;
      const more = { media_origin: media.serverName, user_id: media.userId, authenticated: true, sha256 };
      return { media_info: { ...infoOf(media), ...more } };
    }),
    handle(contracts.deleteOneMedia, async ({ auth, path }) => {
      requireAdmin(auth);
      const deleted = await deleteFiles(dependencies, [idOf(path)]);
      if (deleted.length === 0) throw unknownMedia();
      return { deleted_media: deleted.map(({ mediaId }) => mediaId), total: deleted.length };
    }),
    handle(contracts.quarantineMedia, async ({ auth, path }) => {
      requireAdmin(auth);
      await quarantineOne(dependencies, idOf(path), auth.userId);
      return {};
    }),
    handle(contracts.unquarantineMedia, async ({ auth, path }) => {
      requireAdmin(auth);
      await releaseFromQuarantine(dependencies, idOf(path));
      return {};
    }),
    handle(contracts.protectMedia, ({ auth, path }) => protect(auth, path.mediaId, true)),
    handle(contracts.unprotectMedia, ({ auth, path }) => protect(auth, path.mediaId, false)),
  ];
}

function userRoutes(dependencies: MediaDependencies): Handler[] {
  const { database, clock } = dependencies;
  return [
    handle(contracts.listUserMedia, async ({ auth, path, query }) => {
      requireAdmin(auth);
      const page = pageOf(query);
      const orderBy = query.order_by ?? 'created_ts';
      const isDescending = query.dir === undefined ? query.order_by === undefined : query.dir === 'b';
      const rows = await listMediaOfUser(database, path.userId, { ...page, orderBy, isDescending });
      const total = await countMediaOfUser(database, path.userId);
      return { media: rows.map(infoOf), total, ...nextOf(page.from + rows.length, total) };
    }),
    handle(contracts.deleteUserMedia, async ({ auth, path, query }) => {
      requireAdmin(auth);
      const page = { ...pageOf(query), orderBy: 'created_ts', isDescending: true };
      const deleted = await deleteFiles(dependencies, await listMediaOfUser(database, path.userId, page));
      return { deleted_media: deleted.map(({ mediaId }) => mediaId), total: deleted.length };
    }),
    handle(contracts.quarantineUserMedia, async ({ auth, path }) => {
      requireAdmin(auth);
      let count = 0;
      for (const sha256 of await listHashesOfUser(database, path.userId)) {
        count += await quarantineHash(dependencies, sha256, auth.userId);
      }
      return { num_quarantined: count };
    }),
    handle(contracts.purgeMediaCache, async ({ auth, query }) => {
      requireAdmin(auth);
      return { deleted: await purgeUnused(dependencies, { isLocal: false, beforeTs: query.before_ts }) };
    }),
    handle(contracts.getMediaStatistics, async ({ auth, query }) => {
      requireAdmin(auth);
      const page = pageOf(query);
      const { rows, total } = await listStatistics(database, {
        ...page,
        orderBy: query.order_by ?? 'user_id',
        isDescending: query.dir === 'b',
        fromTs: query.from_ts ?? 0,
        untilTs: query.until_ts ?? clock.now(),
        searchTerm: query.search_term ?? '',
      });
      const users = rows.map(({ userId, count, bytes }) => ({
        user_id: userId,
        media_count: count,
        media_length: Number(bytes),
      }));
      return { users, total, ...nextOf(page.from + rows.length, total) };
    }),
  ];
}

const nextOf = (position: number, total: number) => (position < total ? { next_token: position } : {});

function deniedRoutes({ database, clock }: MediaDependencies): Handler[] {
  return [
    handle(contracts.listDeniedHashes, async ({ auth, query }) => {
      requireAdmin(auth);
      const after = query.from === undefined ? Buffer.alloc(0) : readHash(query.from);
      const { limit } = pageOf(query.limit === undefined ? {} : { limit: query.limit });
      const rows = await listDenied(database, after, limit);
      const last = rows.at(-1);
      return {
        hashes: rows.map((row) => ({
          sha256: row.sha256.toString('hex'),
          reason: row.reason,
          created_ts: row.createdTs,
        })),
        ...(last !== undefined && rows.length === limit && { next: last.sha256.toString('hex') }),
      };
    }),
    handle(contracts.denyHash, async ({ auth, path, body }) => {
      requireAdmin(auth);
      const denied = { sha256: readHash(path.sha256), reason: body.reason, createdTs: clock.now() };
      await database.transaction((transaction) => insertDeniedHash(transaction, denied));
      return {};
    }),
    handle(contracts.allowHash, async ({ auth, path }) => {
      requireAdmin(auth);
      const sha256 = readHash(path.sha256);
      await database.transaction((transaction) => deleteDeniedHash(transaction, sha256));
      return {};
    }),
  ];
}

function readHash(text: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw invalidParam('A SHA-256 has 64 hexadecimal digits');
  return Buffer.from(text, 'hex');
}
