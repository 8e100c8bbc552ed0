// GET /notifications (client-server API, "Listing Notifications").
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import { getNotifications } from '@carillon/protocol/client/notifications.ts';
import { type NotificationDependencies, notificationsPage } from './list-notifications.ts';

export const notificationsRoutes = (dependencies: NotificationDependencies): Handler[] => [
  handle(getNotifications, async ({ auth, query }) => {
    const { userId, deviceId } = auth;
    return new EncodedJson(await notificationsPage(dependencies, { userId, deviceId, ...query }));
  }),
];
