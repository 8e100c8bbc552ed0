// What is answered from outside this server: networks behind app services, and credentials for the relays of calls.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Handler } from '@carillon/platform/http/handle.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { createAddressGate } from '@carillon/platform/outbound/address-gate.ts';
import { createOutboundHttp } from '@carillon/platform/outbound/outbound-http.ts';
import type { Appservices } from './appservice/appservice-directory.ts';
import { thirdPartyRoutes } from './appservice/third-party-networks.routes.ts';
import type { HomeserverConfig } from './config-slices.ts';
import { voipRoutes } from './voip.routes.ts';

export interface OutsideOptions {
  readonly config: HomeserverConfig;
  readonly appservices: Appservices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}

/** App services are where the operator's own registrations say, so no address is kept from them. */
const ANYWHERE = ['0.0.0.0/0', '::/0'];
const DEFAULT_TURN_LIFETIME_MS = 86_400_000;

export function outsideRoutes({ config, appservices, clock, logger, lifecycle }: OutsideOptions): Handler[] {
  const outbound = createOutboundHttp({ gate: createAddressGate(ANYWHERE), clock, verifyTls: true });
  lifecycle.add('requests to app services', () => outbound.close());
  const { turn_uris: uris, turn_secret: secret = '', turn_lifetime: lifetime } = config.voip;
  return [
    ...thirdPartyRoutes({ appservices: appservices.all, outbound, logger }),
    ...voipRoutes({ clock, uris, secret, lifetimeMs: lifetime ?? DEFAULT_TURN_LIFETIME_MS }),
  ];
}
