// Networks behind app services (client-server API, "Third-party Networks").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/client/third-party-networks.ts';
import { findOnNetworks, listProtocols, type NetworksDependencies, readProtocol } from './third-party-networks.ts';

export const thirdPartyRoutes = (networks: NetworksDependencies): Handler[] => [
  handle(contracts.getProtocols, async () => listProtocols(networks)),
  handle(contracts.getProtocol, async ({ path }) => readProtocol(networks, path.protocol)),
  handle(contracts.findLocations, async ({ path, query }) =>
    findOnNetworks(networks, { kind: 'location', protocol: path.protocol, fields: query as Record<string, string> }),
  ),
  handle(contracts.findUsers, async ({ path, query }) =>
    findOnNetworks(networks, { kind: 'user', protocol: path.protocol, fields: query as Record<string, string> }),
  ),
  handle(contracts.findLocationsOfAlias, async ({ query }) =>
    findOnNetworks(networks, { kind: 'location', protocol: null, fields: { alias: query.alias } }),
  ),
  handle(contracts.findUsersOfId, async ({ query }) =>
    findOnNetworks(networks, { kind: 'user', protocol: null, fields: { userid: query.userid } }),
  ),
];
