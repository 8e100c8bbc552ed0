// POST …/receipt and …/read_markers (client-server API, modules "Receipts" and "Read and unread markers").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { postReadMarkers } from '@carillon/protocol/client/read-markers.ts';
import { postReceipt } from '@carillon/protocol/client/receipts.ts';
import { parseEventId } from '@carillon/protocol/identifiers.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { Presence } from './presence.ts';
import { type SendReceiptDependencies, sendReceipt, setFullyRead } from './send-receipt.ts';

export interface ReceiptRouteDependencies extends SendReceiptDependencies {
  readonly presence: Presence;
}

const READ_TYPES = ['m.read', 'm.read.private'] as const;

export const receiptRoutes = (dependencies: ReceiptRouteDependencies): Handler[] => [
  handle(postReceipt, async ({ path: { roomId, receiptType, eventId }, auth, body }) => {
    const request = { roomId, eventId, userId: auth.userId };
    const threadId = body?.thread_id;
    if (receiptType === 'm.fully_read') {
      if (threadId !== undefined) throw invalidParam('m.fully_read has no threads: leave thread_id out');
      await setFullyRead(dependencies, request);
    } else {
      const type = READ_TYPES.find((known) => known === receiptType);
      if (type === undefined) throw invalidParam('The receipt type has to be m.read, m.read.private or m.fully_read');
      await sendReceipt(dependencies, { ...request, type, threadId });
    }
    dependencies.presence.active(auth.userId);
    return {};
  }),
  handle(postReadMarkers, async ({ path: { roomId }, auth, body }) => {
    const { userId } = auth;
    const fullyRead = body['m.fully_read'];
    if (fullyRead !== undefined) await setFullyRead(dependencies, { roomId, userId, eventId: parseEventId(fullyRead) });
    for (const type of READ_TYPES) {
      const eventId = body[type];
      if (eventId === undefined) continue;
      await sendReceipt(dependencies, { roomId, userId, eventId: parseEventId(eventId), type, threadId: undefined });
    }
    dependencies.presence.active(userId);
    return {};
  }),
];
