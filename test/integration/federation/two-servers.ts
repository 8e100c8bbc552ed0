// Two whole servers that can reach each other on loopback, for the tests of federation.
import { freePort } from '../support/free-port.ts';
import { RealServer } from '../support/real-server.ts';

export interface Side {
  readonly server: RealServer;
  readonly name: string;
}

/** Starts one under the name of its federation door; it trusts any certificate and may ask loopback. */
export async function startSide(): Promise<Side> {
  const name = `127.0.0.1:${await freePort()}`;
  const server = await RealServer.start({
    environment: {
      CARILLON_SERVER__NAME: name,
      CARILLON_LISTEN__FEDERATION: name,
      CARILLON_FEDERATION__VERIFY_TLS: 'false',
      CARILLON_OUTBOUND__ALLOW_RANGES: '127.0.0.0/8',
    },
  });
  return { server, name };
}
