// How far people have read (client-server API, module "Receipts").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptyObject } from './json-object.ts';

export const postReceipt = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}',
  aliases: ['/_matrix/client/r0/rooms/{roomId}/receipt/{receiptType}/{eventId}'],
  auth: 'accessToken',
  // thread_id is checked by hand: each way in which it can be wrong has its own sentence.
  body: Type.Optional(Type.Object({ thread_id: Type.Optional(Type.Unknown()) })),
  response: EmptyObject,
});
